/** The dialog in which a mask is painted over a picture: what counts is lit, the rest is dark. */
import { button, el } from './dom.js';
import { createBrush } from './brush.js';
import { openDialog } from './dialog.js';
import { Refusal, addMask, viewOf } from './engine.js';
import { now, update } from './state.js';
import { words } from './words.js';

/** What the keys do to the size of the brush, as a factor, and how far they move it, as a share of its radius. */
const GROWTH = 1.25;
const STEP = 0.35;

async function decoded(url) {
  const image = new Image();
  image.src = url;
  await image.decode();
  return image;
}

/**
 * Opens a mask over a picture.
 * @param {string|null} mask what was painted earlier
 * @param {(mask: string|null) => void} done gets the id of the new mask, null where nothing is masked
 */
export async function openMask(name, picture, mask, done) {
  const view = await decoded(viewOf(picture)).catch(() => null);
  const earlier = mask === null ? null : await decoded(viewOf(mask)).catch(() => null);
  if (view === null) return update({ trouble: words.noPicture(now().pictures.get(picture)?.name ?? '') });

  const { dialog, body, foot, close, say } = openDialog(name);
  const canvas = el('canvas', {
    width: view.naturalWidth,
    height: view.naturalHeight,
    tabIndex: 0,
    role: 'application',
    'aria-label': words.maskCanvas,
  });
  const ring = el('div', { className: 'ring' });
  const easel = el('div', { className: 'easel' }, el('img', { src: view.src, alt: '' }), canvas, ring);
  const ratio = canvas.width / canvas.height;
  easel.style.aspectRatio = ratio;
  easel.style.width = `min(100%, ${ratio} * (100vh - 300px))`;
  const brush = createBrush(canvas);
  brush.fill(false, true);
  if (earlier) brush.draw(earlier);

  const long = Math.max(canvas.width, canvas.height);
  const size = el('input', { type: 'range', min: 1, max: 40, value: 12, step: 0.5, oninput: () => place() });
  const softness = el('input', { type: 'range', min: 0, max: 100, value: 50 });
  const erase = button(words.maskErase, () => setErasing(!erasing), { className: 'chip' });
  let erasing = false;
  /** Where the brush is, in pixels of the canvas. */
  let at = { x: canvas.width / 2, y: canvas.height / 2 };

  const tip = () => ({ radius: (Number(size.value) / 200) * long, softness: Number(softness.value) / 100, erases: erasing });

  function setErasing(on) {
    erasing = on;
    erase.setAttribute('aria-pressed', String(on));
  }

  function place(point = at) {
    at = { x: Math.min(Math.max(point.x, 0), canvas.width), y: Math.min(Math.max(point.y, 0), canvas.height) };
    ring.style.left = `${(at.x / canvas.width) * 100}%`;
    ring.style.top = `${(at.y / canvas.height) * 100}%`;
    ring.style.width = `${((2 * tip().radius) / canvas.width) * 100}%`;
  }

  const pointOf = (event) => {
    const { left, top, width, height } = canvas.getBoundingClientRect();
    return { x: ((event.clientX - left) / width) * canvas.width, y: ((event.clientY - top) / height) * canvas.height };
  };
  canvas.addEventListener('pointerdown', (event) => {
    if (event.button !== 0) return;
    canvas.setPointerCapture(event.pointerId);
    place(pointOf(event));
    brush.begin(at, tip());
  });
  canvas.addEventListener('pointermove', (event) => {
    const painting = canvas.hasPointerCapture(event.pointerId);
    // A quick hand is followed through all points between two frames.
    for (const moment of event.getCoalescedEvents?.() ?? [event]) if (painting) brush.lead(pointOf(moment), tip());
    place(pointOf(event));
  });

  const resize = (factor) => {
    size.value = Number(size.value) * factor;
    place();
  };
  const arrows = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  const keys = {
    ' ': () => brush.begin(at, tip()),
    e: () => setErasing(!erasing),
    '[': () => resize(1 / GROWTH),
    ']': () => resize(GROWTH),
  };
  canvas.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey) return;
    const arrow = arrows[event.key];
    const act = keys[event.key.toLowerCase()];
    if (!arrow && !act) return;
    event.preventDefault();
    if (act) return act();
    const step = Math.max(1, tip().radius * STEP);
    if (event.shiftKey && !event.repeat) brush.begin(at, tip());
    place({ x: at.x + arrow[0] * step, y: at.y + arrow[1] * step });
    if (event.shiftKey) brush.lead(at, tip());
  });
  dialog.addEventListener('keydown', (event) => {
    if (!(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== 'z') return;
    event.preventDefault();
    brush.undo();
  });

  async function accept() {
    if (brush.isEmpty()) {
      close();
      return done(null);
    }
    const blob = await new Promise((resolve) => canvas.toBlob(resolve, 'image/png'));
    try {
      const added = await addMask(blob, 'mask.png');
      close();
      done(added.id);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      say(error.message);
    }
  }

  const slider = (text, input) => el('label', { className: 'slider' }, text, input);
  body.append(el('p', { className: 'help' }, words.maskHint), easel);
  foot.append(
    slider(words.maskSize, size),
    slider(words.maskSoftness, softness),
    erase,
    button(words.maskUndo, () => brush.undo(), { className: 'chip' }),
    button(words.maskClear, () => brush.fill(false), { className: 'chip' }),
    button(words.maskAll, () => brush.fill(true), { className: 'chip' }),
    button(words.maskInvert, () => brush.invert(), { className: 'chip' }),
    el('span', { className: 'ends-it' }, button(words.cancel, close), button(words.use, accept, { className: 'main' })),
  );
  setErasing(false);
  place();
  canvas.focus({ preventScroll: true });
}
