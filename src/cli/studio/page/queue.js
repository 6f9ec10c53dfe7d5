/** The works that wait their turn, and the one that is being painted, to look at and to take out. */
import { button, byId, el, refill } from './dom.js';
import * as actions from './actions.js';
import { viewOf } from './engine.js';
import { now, queue, watch } from './state.js';
import { words } from './words.js';

export function mountQueue() {
  const place = byId('queue');
  watch(
    (state) => [
      queue(state.works)
        .map((work) => `${work.id} ${work.state}`)
        .join(),
      state.shown,
    ],
    (_, shown) => {
      const works = queue(now().works);
      place.hidden = works.every((work) => work.id === shown);
      const waiting = works.filter((work) => work.state === 'waiting');
      const item = (work) => {
        const turn = waiting.indexOf(work) + 1;
        const state = turn > 0 ? words.queuePlace(turn) : words.states[work.state];
        const look = el(
          'button',
          {
            type: 'button',
            className: 'plain entry',
            'aria-current': work.id === shown ? 'true' : null,
            'data-key': `queue ${work.id}`,
            onclick: () => actions.open(work),
          },
          el('img', { src: viewOf(work.photograph), alt: '' }),
          el('img', { src: viewOf(work.paintings[0].picture), alt: '' }),
          `${words.queueItem(work.id)} · ${state}`,
        );
        const out = button(words.removeShort, () => actions.removeWork(work), {
          className: 'plain',
          'aria-label': words.remove(work.id),
          'data-key': `out ${work.id}`,
        });
        return el('li', {}, look, turn > 0 ? out : null);
      };
      refill(place, el('h2', {}, words.queue), el('ol', {}, ...works.map(item)));
    },
  );
}
