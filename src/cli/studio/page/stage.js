/** The picture on the stage: the photograph, and over it what is being made of it; below it the pictures on the way. */
import { arrange, byId, el } from './dom.js';
import { pictureOf, viewOf } from './engine.js';
import { pictureShown } from './work.js';
import { now, shownWork, update, watch } from './state.js';
import { createViewer } from './viewer.js';
import { words } from './words.js';

export function mountStage() {
  const viewer = createViewer(byId('viewer'), { before: words.before, after: words.result, label: words.stage });

  watch(
    (state) => [shownWork(state), state.looked, state.recipe.photograph, state.pictures, state.arriving],
    (work, looked, chosen, pictures, arriving) => {
      const id = work?.photograph ?? chosen;
      const picture = pictures.get(id);
      const fresh = work ? undefined : arriving.find((file) => file.place === 'photograph');
      viewer.show({
        before: fresh?.url ?? (picture ? viewOf(id) : null),
        after: work ? pictureShown(work, looked) : null,
        width: work?.width ?? picture?.width ?? 4,
        height: work?.height ?? picture?.height ?? 3,
        series: work?.id ?? null,
      });
    },
  );

  mountStrip();
}

function mountStrip() {
  const place = byId('strip');
  const latest = stripButton(words.latest, null, {});
  /** Buttons of the work on the stage, by the number of their picture. */
  let buttons = new Map();
  let of = null;

  watch(
    (state) => [state.shown, shownWork(state)?.strip.join(), state.looked],
    (work, told, looked) => {
      if (of !== work) buttons = new Map();
      of = work;
      place.hidden = told === undefined;
      const numbers = (told ?? '').split(',').filter(Boolean).map(Number);
      for (const number of numbers) {
        if (buttons.has(number)) continue;
        const picture = el('img', { src: pictureOf(work, number), alt: '', loading: 'lazy' });
        buttons.set(number, stripButton(picture, number, { className: 'frame-button', 'aria-label': words.stripItem(number) }));
      }
      const shown = numbers.length > 0 ? [...numbers.map((number) => buttons.get(number)), latest] : [];
      const atEnd = place.scrollLeft + place.clientWidth >= place.scrollWidth - 4;
      arrange(
        place,
        shown.map(({ item }) => item),
      );
      for (const { show } of shown) show(looked);
      if (atEnd) place.scrollLeft = place.scrollWidth;
    },
  );
}

/** A button that puts a picture on the way on the stage, or, for null, whatever is the latest. */
function stripButton(content, number, properties) {
  const look = () => update({ looked: now().looked === number ? null : number });
  const pressed = el('button', { type: 'button', onclick: look, ...properties }, content);
  const show = (looked) => pressed.setAttribute('aria-pressed', String(looked === number));
  return { item: el('li', {}, pressed), show };
}
