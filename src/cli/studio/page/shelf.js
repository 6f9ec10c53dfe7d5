/** Pictures that came in earlier, to be used again or forgotten. */
import { button, el } from './dom.js';
import * as actions from './actions.js';
import { openDialog } from './dialog.js';
import { viewOf } from './engine.js';
import { now } from './state.js';
import { words } from './words.js';

const choose = { photograph: actions.choosePhotograph, painting: actions.choosePainting };

/** Opens the pictures that are there; the chosen one goes to the input named `place`. */
export function openShelf(place) {
  const { body, close } = openDialog(words.shelfTitle);
  const list = el('ul', { className: 'shelf' });
  const pictures = [...now().pictures.values()].filter((picture) => !picture.mask);
  const use = (picture) => {
    close();
    choose[place](picture.id);
  };
  const forget = async (picture, item) => {
    if (!(await actions.forgetPicture(picture))) return close();
    const next = item.nextElementSibling ?? item.previousElementSibling;
    item.remove();
    next?.querySelector('button')?.focus();
  };
  list.append(
    ...pictures.map((picture) => {
      const view = el('img', { src: viewOf(picture.id), alt: '', loading: 'lazy' });
      const label = words.shelfUse(picture.name);
      const item = el(
        'li',
        {},
        el('button', { type: 'button', className: 'frame-button', 'aria-label': label, onclick: () => use(picture) }, view),
      );
      item.append(el('span', { className: 'caption' }, picture.name));
      if (!picture.demo) {
        item.append(
          button(words.forget, () => forget(picture, item), { className: 'plain', 'aria-label': words.forgetName(picture.name) }),
        );
      }
      return item;
    }),
  );
  body.append(pictures.length > 0 ? list : el('p', {}, words.shelfNone));
}
