/** The picture on the stage: the photograph, and over it what is being made of it; below it the pictures on the way. */
import { byId, el, refill } from './dom.js';
import { pictureOf, viewOf } from './engine.js';
import { pictureShown } from './stages.js';
import { now, shownWork, update, watch } from './state.js';
import { createViewer } from './viewer.js';
import { words } from './words.js';

export function mountStage() {
  const viewer = createViewer(byId('viewer'), { before: '', after: words.result, label: words.stage });

  watch(
    (state) => [shownWork(state), state.looked, state.recipe.photograph, state.pictures, state.arriving],
    (work, looked, chosen, pictures, arriving) => {
      const id = work?.photograph ?? chosen;
      const picture = pictures.get(id);
      const fresh = work ? undefined : arriving.find((file) => file.place === 'photograph');
      viewer.name(words.before(fresh?.name ?? picture?.name ?? ''));
      viewer.show({
        before: fresh?.url ?? (picture ? viewOf(id) : null),
        after: work ? pictureShown(work, looked) : null,
        width: work?.width ?? picture?.width ?? 4,
        height: work?.height ?? picture?.height ?? 3,
        series: work?.id ?? null,
      });
    },
  );

  watch(
    (state) => [state.shown, shownWork(state)?.strip.join(), state.looked],
    (work, numbers, looked) => {
      const place = byId('strip');
      place.hidden = numbers === undefined;
      if (place.hidden) return place.replaceChildren();
      const strip = numbers.split(',').filter(Boolean).map(Number);
      const item = (number) => {
        const picture = el('img', { src: pictureOf(work, number), alt: '', loading: 'lazy' });
        return el(
          'li',
          {},
          el('button', {
            type: 'button',
            className: 'frame-button',
            'aria-label': words.stripItem(number),
            'aria-pressed': String(looked === number),
            'data-key': `strip ${number}`,
            onclick: () => update({ looked: now().looked === number ? null : number }),
          }, picture),
        );
      };
      if (strip.length === 0) return place.replaceChildren();
      const latest = el('button', {
        type: 'button',
        'aria-pressed': String(looked === null),
        'data-key': 'strip latest',
        onclick: () => update({ looked: null }),
      }, words.latest);
      refill(place, ...strip.map(item), el('li', {}, latest));
    },
  );
}
