/** What makes several paintings one style: how much each counts, where it rules, and which part of it counts. */
import { button, byId, el, refill } from './dom.js';
import * as actions from './actions.js';
import { viewOf } from './engine.js';
import { openMask } from './masks.js';
import { now, watch } from './state.js';
import { words } from './words.js';

export function mountPaintings() {
  const list = byId('paintings');
  const part = byId('part');
  const keep = byId('keep');
  part.addEventListener('click', () => editPart(0));
  keep.addEventListener('click', editKeep);
  /** A function for each row that shows its weight. */
  let weights = [];

  watch(
    (state) => [state.recipe.keep, state.recipe.photograph],
    (mask, photograph) => {
      keep.textContent = mask ? words.kept : words.keep;
      keep.classList.toggle('set', mask !== null);
      keep.disabled = photograph === null;
    },
  );
  watch(
    // A row that is built anew while its slider is dragged would stop the drag: weights are not among what it looks at.
    (state) => [state.recipe.paintings.map(({ picture, mask, region }) => [picture, mask, region]).join(';'), state.pictures],
    () => {
      const { paintings } = now().recipe;
      const rows = paintings.length > 1 ? paintings.map(row) : [];
      weights = rows.map(({ weigh }) => weigh);
      list.hidden = rows.length === 0;
      refill(list, ...rows.map(({ item }) => item));
      part.hidden = paintings.length !== 1;
      part.classList.toggle('set', Boolean(paintings[0]?.mask));
    },
  );
  watch(
    (state) => [state.recipe.paintings],
    (paintings) => weights.forEach((weigh, at) => weigh(paintings[at]?.weight)),
  );
}

function row(painting, at) {
  const number = at + 1;
  const name = now().pictures.get(painting.picture)?.name ?? '';
  const slider = el('input', {
    type: 'range',
    min: 0.1,
    max: 3,
    step: 0.1,
    'aria-label': words.share(number),
    'data-key': `share ${number}`,
    oninput: () => actions.changePainting(at, { weight: Number(slider.value) }),
  });
  const figure = el('span', { className: 'figure' });
  const weigh = (weight) => {
    slider.value = weight ?? 1;
    figure.textContent = Number(slider.value).toFixed(1);
  };
  weigh(painting.weight);
  const tool = (text, label, act, set = false) =>
    button(text, act, { className: set ? 'plain set' : 'plain', 'aria-label': label, 'data-key': label });
  const item = el(
    'li',
    { className: 'painting' },
    el('img', { src: viewOf(painting.picture), alt: '' }),
    el(
      'div',
      {},
      el('div', { className: 'top' }, el('span', {}, `${number}. ${name}`), figure),
      slider,
      el(
        'div',
        { className: 'row' },
        tool(words.part, words.partOf(number), () => editPart(at), painting.mask !== null),
        tool(words.region, words.regionOf(number), () => editRegion(at), painting.region !== null),
        tool(words.removeShort, words.remove(number), () => actions.removePainting(at)),
      ),
    ),
  );
  return { item, weigh };
}

function editPart(at) {
  const { picture, mask } = now().recipe.paintings[at];
  openMask(words.maskPart(at + 1), picture, mask, (changed) => actions.changePainting(at, { mask: changed }));
}

function editRegion(at) {
  const { photograph, paintings } = now().recipe;
  if (photograph === null) return;
  openMask(words.maskRegion(at + 1), photograph, paintings[at].region, (changed) =>
    actions.changePainting(at, { region: changed }),
  );
}

function editKeep() {
  const { photograph, keep } = now().recipe;
  openMask(words.maskKeep, photograph, keep, (changed) => actions.setRecipe({ keep: changed }));
}
