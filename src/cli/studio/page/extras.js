/** What the engine takes besides pictures: a button for each kind. */
import { attempt, open } from './actions.js';
import { openDialog } from './dialog.js';
import { button, el } from './dom.js';
import { extras } from './engine.js';
import { update } from './state.js';
import { words } from './words.js';

/** @returns {HTMLElement[]} one row, or nothing */
export function mountExtras() {
  return extras.length === 0 ? [] : [el('div', { className: 'row' }, ...extras.flatMap((extra) => buttons(extra)))];
}

async function take(extra, given) {
  update({ trouble: null });
  const work = await attempt(() => extra.take(given));
  if (work !== null) open(work);
}

function buttons(extra) {
  if (extra.address) return [button(extra.label, () => askAddress(extra), { className: 'plain' })];
  const change = () => {
    const [file] = input.files;
    input.value = '';
    if (file) take(extra, file);
  };
  const input = el('input', { type: 'file', accept: extra.accept, hidden: true, 'aria-label': extra.label, onchange: change });
  return [button(extra.label, () => input.click(), { className: 'plain' }), input];
}

function askAddress(extra) {
  const { body, foot, close } = openDialog(extra.label);
  const input = el('input', { type: 'url', required: true, 'aria-label': words.address });
  const use = () => {
    if (!input.reportValidity()) return;
    close();
    take(extra, input.value);
  };
  body.append(input);
  foot.append(button(words.use, use, { className: 'main' }));
  input.focus();
}
