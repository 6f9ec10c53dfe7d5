/** The two inputs: a photograph and a painting, chosen, dropped or pasted. */
import { byId, el } from './dom.js';
import * as actions from './actions.js';
import { viewOf } from './engine.js';
import { update, watch } from './state.js';
import { openCamera } from './camera.js';
import { openShelf } from './shelf.js';
import { words } from './words.js';

export function mountInputs() {
  mountWell('photograph', (recipe) => recipe.photograph);
  mountWell('painting', (recipe) => recipe.paintings[0]?.picture ?? null);
  const another = byId('another-file');
  byId('another').addEventListener('click', () => another.click());
  another.addEventListener('change', () => take(another, 'another'));
}

/** The files are copied first: emptying the input, so that the same can be chosen again, empties its list. */
function take(input, place) {
  const files = [...input.files];
  input.value = '';
  update({ trouble: null });
  actions.takeFiles(files, place);
}

function mountWell(place, chosen) {
  const input = byId(place);
  const well = byId(`${place}-well`);
  const picture = well.querySelector('img');
  input.addEventListener('change', () => take(input, place));
  byId(`${place}-shelf`).addEventListener('click', () => openShelf(place));
  byId(`${place}-camera`).addEventListener('click', () => openCamera(place));
  watch(
    (state) => [chosen(state.recipe), state.pictures, state.arriving],
    (id, pictures, arriving) => {
      const known = pictures.get(id);
      const fresh = arriving.find((file) => file.place === place);
      picture.hidden = !fresh && !known;
      if (fresh) picture.src = fresh.url;
      else if (known) picture.src = viewOf(id);
      well.classList.toggle('filled', !picture.hidden);
      const [name, more] = captionOf(fresh, known);
      byId(`${place}-caption`).replaceChildren(el('span', { className: 'name', title: name }, name), el('span', {}, more));
    },
  );
}

/** What stands below a picture: its name, and what is to know of it. */
function captionOf(fresh, known) {
  if (fresh) return [fresh.name, words.sending];
  if (!known) return ['', ''];
  return [known.name, known.demo ? words.drawn : words.pixels(known.width, known.height)];
}
