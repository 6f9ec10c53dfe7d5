/** Files dropped anywhere on the page, and pasted ones. */
import { byId, el } from './dom.js';
import * as actions from './actions.js';
import { now } from './state.js';
import { toast } from './toast.js';
import { words } from './words.js';

const hasFiles = (event) => event.dataTransfer?.types.includes('Files');
const pictures = (list) => [...list].filter((file) => file.type === '' || file.type.startsWith('image/'));

/** While files are dragged over the page, one half of it takes photographs, the other paintings. */
export function mountDrop() {
  const place = byId('drop');
  const half = (name, text) => el('div', { className: 'half', id: `drop-${name}` }, el('b', {}, words.dropHere), ' ', text);
  place.append(half('photograph', words.dropPhotograph), half('painting', words.dropPainting));
  const at = (event) => (event.target.closest?.('#drop-painting') ? 'painting' : 'photograph');
  const close = () => (place.hidden = true);

  window.addEventListener('dragover', (event) => {
    if (!hasFiles(event) || document.querySelector('dialog[open]')) return;
    event.preventDefault();
    place.hidden = false;
    place.dataset.over = at(event);
  });
  window.addEventListener('dragleave', (event) => {
    if (event.relatedTarget === null) close();
  });
  window.addEventListener('drop', (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    const target = event.target.closest?.('#painting-well') ? 'painting' : at(event);
    close();
    actions.takeFiles(pictures(event.dataTransfer.files), target);
  });
}

/** A pasted picture is a photograph, or a painting where that input has the focus or the pointer. */
export function mountPaste() {
  document.addEventListener('paste', async (event) => {
    const files = pictures(event.clipboardData?.files ?? []);
    if (files.length === 0 || document.querySelector('dialog[open]')) return;
    event.preventDefault();
    if (byId('painting-well').matches(':hover, :focus-within')) return actions.takeFiles(files, 'painting');
    const before = now().recipe.photograph;
    const [pasted] = await actions.takeFiles(files, 'photograph');
    if (!pasted) return;
    toast(words.pastedAsPhotograph, words.useAsPainting, () => {
      actions.choosePhotograph(before);
      actions.choosePainting(pasted.id);
    });
  });
}
