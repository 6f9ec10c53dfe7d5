/** A sentence at the edge of the page that offers to undo what was done; Ctrl+Z does the same. */
import { button, byId, el } from './dom.js';
import { words } from './words.js';

const STAYS = 12000;

let undo = null;

/** Shows a sentence, and a button if there is something to do about it. */
export function toast(text, label = null, act = null) {
  const place = byId('toast');
  let timer;
  const close = () => {
    clearTimeout(timer);
    if (undo === once) undo = null;
    bar.remove();
  };
  const once = () => {
    close();
    act();
  };
  const bar = el(
    'div',
    { className: 'toast' },
    el('span', {}, text),
    act === null ? null : button(label, once),
    button('×', close, { className: 'plain', 'aria-label': words.dismiss }),
  );
  // Nobody loses it while reading it or about to press it.
  const wait = () => {
    clearTimeout(timer);
    if (!bar.matches(':hover, :focus-within')) timer = setTimeout(close, STAYS);
  };
  for (const name of ['pointerenter', 'pointerleave', 'focusin', 'focusout']) bar.addEventListener(name, () => setTimeout(wait));
  place.replaceChildren(bar);
  undo = act === null ? null : once;
  wait();
}

/** Undoes what the last toast offers by the usual key, unless a text is being typed or a mask painted. */
export function listenForUndo() {
  document.addEventListener('keydown', (event) => {
    const typing = event.target.closest?.('input:not([type=range]):not([type=file]), textarea, dialog');
    if (undo === null || typing || event.key.toLowerCase() !== 'z' || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    undo();
  });
}
