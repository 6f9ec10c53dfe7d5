/** Two works over one another. */
import { openDialog } from './dialog.js';
import { el } from './dom.js';
import { pictureShown } from './work.js';
import { createViewer } from './viewer.js';
import { words } from './words.js';

/** Opens a dialog in which a slider shows more of one work or of the other. */
export function openPair(one, other) {
  const { dialog, body } = openDialog(words.compareTwo(one.id, other.id));
  dialog.classList.add('wide');
  const root = el('div', { className: 'viewer' });
  body.append(root);
  const viewer = createViewer(root, { before: words.side(one.id), after: words.side(other.id), label: words.stage, split: 50 });
  const { width, height } = (other.width ?? 0) > (one.width ?? 0) ? other : one;
  viewer.show({ before: pictureShown(one), after: pictureShown(other), width: width ?? 4, height: height ?? 3, series: null });
}
