/** How far the work on the stage is, in words and as a bar, and what can be done with it. */
import { button, byId, el } from './dom.js';
import * as actions from './actions.js';
import { downloadNameOf, downloadOf } from './engine.js';
import { described, largerSizes, share } from './work.js';
import { isActive, now, shownWork, update, watch } from './state.js';
import { words } from './words.js';

/** Iterations that "further" adds. */
const FURTHER = [50, 100, 200, 500, 1000];

export function mountControls() {
  byId('paint').addEventListener('click', () => {
    actions.paint();
    byId('stage').scrollIntoView({ block: 'nearest' });
  });
  mountCommands();
  mountProgress();
  watch(
    (state) => [state.recipe.photograph, state.recipe.paintings.length, state.arriving.length, state.ready],
    (photograph, paintings, arriving, ready) => {
      byId('paint').disabled = !ready || (arriving === 0 && (photograph === null || paintings === 0));
    },
  );
}

function mountProgress() {
  const status = byId('status');
  const bar = byId('progress');
  watch(
    (state) => [shownWork(state), state.works, state.ready, state.recipe.photograph, state.pictures],
    (work, works, ready, photograph, pictures) => {
      const idle = pictures.get(photograph)?.demo ? words.empty : words.ready;
      status.textContent = work ? described(work, works) : ready ? idle : '';
      bar.hidden = !work || !isActive(work) || work.state === 'waiting';
      const percent = work ? Math.round(share(work) * 100) : 0;
      bar.setAttribute('aria-valuenow', percent);
      bar.style.setProperty('--share', `${percent}%`);
      bar.style.setProperty('--scales', work?.scale?.count ?? 1);
      document.title = work && isActive(work) && work.scale ? words.title(percent) : words.wordmark;
    },
  );
  // Iterations are too many to be read aloud: only what is new in kind is.
  watch(
    (state) => [shownWork(state)?.id, shownWork(state)?.state, shownWork(state)?.scale?.number],
    (id) => {
      const work = id === undefined ? null : now().works.get(id);
      if (!work) return;
      byId('aloud').textContent =
        work.state === 'painting' && work.scale ? words.begun(work.scale) : described(work, now().works);
    },
  );
}

function mountCommands() {
  const act = (verb) => () => actions.command(verb, shownWork(now()));
  const by = el(
    'select',
    { 'aria-label': words.furtherBy },
    ...FURTHER.map((count) => el('option', { value: count }, `+${count}`)),
  );
  by.value = FURTHER[1];
  const to = el('select', { 'aria-label': words.largerTo });
  const pairs = {
    further: el(
      'span',
      { className: 'pair' },
      button(words.further, () => actions.command('further', shownWork(now()), Number(by.value))),
      by,
    ),
    larger: el(
      'span',
      { className: 'pair' },
      button(words.larger, () => actions.command('larger', shownWork(now()), Number(to.value))),
      to,
    ),
  };
  const tools = {
    pause: button(words.pause, act('pause')),
    resume: button(words.resume, act('resume')),
    stop: button(words.stop, act('stop')),
    ...pairs,
    save: el('a', { className: 'button', download: '' }, words.save),
    another: button(words.another, () => actions.show(null), { className: 'plain' }),
  };
  byId('commands').append(...Object.values(tools));

  watch(
    (state) => [shownWork(state)?.id, shownWork(state)?.state, shownWork(state)?.result, shownWork(state)?.width, state.largest],
    (id, state, result, width, largest) => {
      const work = id === undefined ? null : now().works.get(id);
      const busy = ['preparing', 'painting'].includes(state);
      const ended = ['done', 'stopped'].includes(state);
      const grows = (ended && result) || state === 'painting' || state === 'paused';
      const sizes = work ? largerSizes(work, largest) : [];
      const open = {
        pause: busy,
        resume: ['paused', 'stopped', 'failed'].includes(state),
        stop: work !== null && isActive(work),
        further: grows,
        larger: grows && sizes.length > 0,
        save: Boolean(result),
        another: ended || state === 'failed',
      };
      const focused = document.activeElement;
      for (const [name, tool] of Object.entries(tools)) tool.hidden = !open[name];
      if (result) Object.assign(tools.save, { href: downloadOf(work), download: downloadNameOf(work) });
      to.replaceChildren(...sizes.map((size) => el('option', { value: size }, words.sizeUsual(size))));
      // The button that was just pressed may be gone: its counterpart takes the focus.
      if (focused?.hidden && byId('commands').contains(focused)) {
        Object.values(tools)
          .find((tool) => !tool.hidden && tool.matches('button, a'))
          ?.focus();
      }
    },
  );

  watch(
    (state) => [state.needStart, Boolean(shownWork(state) && isActive(shownWork(state)))],
    (names, active) => {
      const place = byId('restart');
      place.hidden = names.length === 0 || !active;
      if (place.hidden) return place.replaceChildren();
      const start = button(words.startOver, () => {
        update({ needStart: [] });
        actions.startOver(shownWork(now()));
      });
      place.replaceChildren(el('span', {}, words.needsStart(names.join(', '))), start);
    },
  );
}
