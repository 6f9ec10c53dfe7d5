/** Dialogs over the page. */
import { button, el } from './dom.js';
import { words } from './words.js';

/**
 * Opens a dialog; Escape and Close close it, and the focus goes back to where it was.
 * @param {string} name is its heading
 * @param {() => void} closed is called when it is gone
 * @returns {{dialog: HTMLDialogElement, body: HTMLElement, foot: HTMLElement, close: () => void,
 *   say: (text: string) => void}} to be filled by the caller; `say` tells what went wrong
 */
export function openDialog(name, closed = () => {}) {
  const before = document.activeElement;
  const body = el('div', { className: 'body' });
  const foot = el('div', { className: 'foot' });
  const alert = el('p', { role: 'alert' });
  const close = () => dialog.close();
  const heading = el('h2', { id: 'dialog-name' }, name);
  const head = el('div', { className: 'head' }, heading, button('×', close, { className: 'plain', 'aria-label': words.close }));
  const dialog = el('dialog', { 'aria-labelledby': 'dialog-name' }, head, body, alert, foot);
  dialog.addEventListener('close', () => {
    dialog.remove();
    before?.focus?.();
    closed();
  });
  document.body.append(dialog);
  dialog.showModal();
  return { dialog, body, foot, close, say: (text) => (alert.textContent = text) };
}
