/** Starts the page: gives it its words, builds its parts, and follows the engine. */
import { button, byId, el } from './dom.js';
import { mountControls } from './controls.js';
import { mountDrop, mountPaste } from './drop.js';
import * as engine from './engine.js';
import { open, attempt } from './actions.js';
import { mountGallery } from './gallery.js';
import { mountInputs } from './inputs.js';
import { mountLoss } from './loss.js';
import { mountPaintings } from './paintings.js';
import { mountQueue } from './queue.js';
import { mountStage } from './stage.js';
import { now, queue, update, watch, withWork, without } from './state.js';
import { mountTheme } from './theme.js';
import { listenForUndo } from './toast.js';
import { mountTune } from './tune.js';
import { fillWords, words } from './words.js';

fillWords(document);
mountTheme();
mountInputs();
mountPaintings();
mountStage();
mountControls();
mountLoss();
mountTune();
mountQueue();
mountGallery();
mountDrop();
mountPaste();
mountTrouble();
mountViews();
listenForUndo();
document.body.classList.add('built');

const askOptions = () => attempt(engine.options).then((told) => told && update({ groups: told.groups }));
askOptions();
engine.follow({
  state(told) {
    const first = !now().ready;
    const pictures = new Map(told.pictures.map((picture) => [picture.id, picture]));
    const works = new Map(told.works.map((work) => [work.id, work]));
    update({ ready: true, lost: null, device: told.device, largest: told.largest, pictures, works });
    if (first) begin(told);
  },
  work: (work) => update({ works: withWork(now().works, work) }),
  picture: (picture) => update({ pictures: new Map(now().pictures).set(picture.id, picture) }),
  gone: ({ work, picture }) => update({ works: without(now().works, work), pictures: without(now().pictures, picture) }),
  lost: (why) => update({ lost: why }),
  options: askOptions,
});

/** What the page opens with: the work that is on its way, or else the demonstration's pictures. */
function begin({ pictures, works }) {
  const [running] = queue(new Map(works.map((work) => [work.id, work])));
  if (running) return open(running);
  const { recipe } = now();
  const demo = (kind) => pictures.find((picture) => picture.demo === kind)?.id ?? null;
  const painting = demo('painting');
  const paintings = painting === null ? [] : [{ picture: painting, weight: null, mask: null, region: null }];
  update({
    recipe: {
      ...recipe,
      photograph: recipe.photograph ?? demo('photograph'),
      paintings: recipe.paintings.length > 0 ? recipe.paintings : paintings,
    },
  });
}

function mountTrouble() {
  const place = byId('trouble');
  watch(
    (state) => [state.trouble, state.lost],
    (trouble, lost) => {
      const text = lost ?? trouble;
      place.hidden = text === null;
      if (text === null) return place.replaceChildren();
      const dismiss = button('×', () => update({ trouble: null }), { className: 'plain', 'aria-label': words.dismiss });
      place.replaceChildren(el('p', {}, text), lost === null ? dismiss : '');
    },
  );
  watch(
    (state) => [state.device],
    (device) => (byId('device').textContent = device),
  );
}

/** The address tells the view, so that the browser's own way back works. */
function mountViews() {
  const read = () => update({ view: location.hash === '#gallery' ? 'gallery' : 'studio' });
  window.addEventListener('hashchange', read);
  read();
  watch(
    (state) => [state.view],
    (view) => {
      if ((location.hash === '#gallery') !== (view === 'gallery')) location.hash = view;
      for (const name of ['studio', 'gallery']) {
        byId(`${name}-view`).hidden = view !== name;
        if (view === name) byId(`to-${name}`).setAttribute('aria-current', 'page');
        else byId(`to-${name}`).removeAttribute('aria-current');
      }
    },
  );
}
