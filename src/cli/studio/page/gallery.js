/** All works as cards: to open again, to compare, to paint larger, to delete and to put back. */
import { arrange, button, byId, el, refill } from './dom.js';
import * as actions from './actions.js';
import { pictureOf, viewOf } from './engine.js';
import { openPair } from './pair.js';
import { isActive, now, queue, update, watch } from './state.js';
import { largerSizes, pictureShown } from './work.js';
import { words } from './words.js';

const date = new Intl.DateTimeFormat(undefined, { dateStyle: 'short', timeStyle: 'short' });

export function mountGallery() {
  const list = el('ul', { className: 'cards' });
  const hint = el('p', { className: 'caption' });
  const bin = el('div');
  const heading = el('h2', { tabIndex: -1 }, words.gallery);
  byId('gallery-view').append(heading, hint, list, bin);
  /** A card for each work, and a function that brings it up to date. */
  const cards = new Map();

  watch(
    (state) => [state.view, state.works, state.compared, state.largest],
    (view, works, compared) => {
      if (view !== 'gallery') return;
      const shown = [...works.values()].filter((work) => !work.deleted).sort((one, other) => other.id - one.id);
      hint.textContent = shown.length === 0 ? words.galleryEmpty : compared.length === 1 ? words.compareOne : words.galleryHint;
      for (const [id, { item }] of cards) {
        if (shown.some((work) => work.id === id)) continue;
        cards.delete(id);
        leave(item, heading);
      }
      for (const work of shown) {
        if (!cards.has(work.id)) cards.set(work.id, card(work.id));
        cards.get(work.id).fill(work, compared.includes(work.id));
      }
      arrange(
        list,
        shown.map((work) => cards.get(work.id).item),
      );
    },
  );
  watch(
    (state) => [
      [...state.works.values()]
        .filter((work) => work.deleted)
        .map((work) => work.id)
        .join(),
    ],
    (deleted) => {
      const ids = deleted.split(',').filter(Boolean).map(Number);
      const back = (id) =>
        button(words.restore, () => actions.restoreWork({ id }), {
          'aria-label': words.restoreNumber(id),
          'data-key': `back ${id}`,
        });
      const rows = ids.map((id) => el('li', {}, `${words.queueItem(id)} `, back(id)));
      const open = bin.querySelector('details')?.open ?? false;
      refill(
        bin,
        ids.length === 0
          ? null
          : el('details', { open }, el('summary', {}, `${words.bin} (${ids.length})`), el('ul', { className: 'bin' }, ...rows)),
      );
    },
  );
}

/** Takes a card away; the focus, if it was there, goes to the next. */
function leave(item, heading) {
  const focused = item.contains(document.activeElement);
  const next = item.nextElementSibling ?? item.previousElementSibling;
  item.remove();
  if (focused) (next?.querySelector('button') ?? heading).focus();
}

function card(id) {
  const work = () => now().works.get(id);
  const picture = el('img', { alt: words.cardPicture(id), loading: 'lazy', decoding: 'async' });
  const look = el(
    'button',
    { type: 'button', className: 'frame-button', 'aria-label': words.openNumber(id), onclick: () => actions.open(work()) },
    picture,
  );
  const caption = el('p', { className: 'caption' });
  const compare = button(words.compare, () => toggleCompared(id), { className: 'plain', 'aria-label': words.compareNumber(id) });
  const grow = button('', () => larger(work()), { className: 'plain' });
  const remove = button(words.delete, () => actions.removeWork(work()), {
    className: 'plain',
    'aria-label': words.deleteNumber(id),
  });
  const item = el(
    'li',
    { className: 'card' },
    look,
    el('h3', {}, words.queueItem(id)),
    caption,
    el('div', { className: 'row' }, compare, grow, remove),
  );

  function fill(now, isCompared) {
    // The picture on the way is as good for a card as the result, and much smaller.
    const url = now.picture > 0 ? pictureOf(id, now.picture) : (pictureShown(now) ?? viewOf(now.photograph));
    if (picture.getAttribute('src') !== url) picture.src = url;
    caption.textContent = captionOf(now);
    item.classList.toggle('compared', isCompared);
    compare.setAttribute('aria-pressed', String(isCompared));
    compare.hidden = pictureShown(now) === null;
    const size = nextSize(now);
    grow.hidden = size === null;
    grow.textContent = words.largerShort(size);
    grow.setAttribute('aria-label', words.largerNumber(id, size));
  }
  return { item, fill };
}

function captionOf(work) {
  const turn = queue(now().works)
    .filter((other) => other.state === 'waiting')
    .findIndex((other) => other.id === work.id);
  const size = work.width && work.height ? words.pixels(work.width, work.height) : null;
  const parts = [turn >= 0 ? words.queuePlace(turn + 1) : words.states[work.state], size, date.format(work.created * 1000)];
  return parts.filter(Boolean).join(' · ');
}

/** The size that "larger" would give an ended work, null if none. */
const nextSize = (work) => (work.result && !isActive(work) ? (largerSizes(work, now().largest)[0] ?? null) : null);

async function larger(work) {
  const begun = await actions.command('larger', work, nextSize(work));
  if (begun !== null) actions.open(begun);
}

function toggleCompared(id) {
  const { compared, works } = now();
  if (compared.includes(id)) return update({ compared: compared.filter((other) => other !== id) });
  if (compared.length === 0) return update({ compared: [id] });
  openPair(works.get(compared[0]), works.get(id));
  update({ compared: [] });
}
