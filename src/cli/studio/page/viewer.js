/** A wall with a picture on it, and another before it: a slider shows more of one or of the other, both zoom and pan as one. */
import { arrivals } from './arrivals.js';
import { button, el } from './dom.js';
import { listenForGestures } from './gestures.js';
import { words } from './words.js';
import { WHOLE, clamped, fitted, moved, zoomed } from './zoom.js';

/** How large a pixel of the picture may become, in CSS pixels. */
const LARGEST_PIXEL = 16;
/** From here on pixels are shown as squares. */
const SQUARE_PIXEL = 3;

/**
 * Builds a viewer into a root.
 * @param {{before: string, after: string, label: string, split?: number}} given accessible names of both pictures and of the wall;
 *   the share of the picture before that is seen at first, in percent
 * @returns {{show: Function}} `show({before, after, width, height, series})` takes addresses, null for none, and the sides
 *   of the picture; the view stays as it is within a series
 */
export function createViewer(root, given) {
  const before = el('img', { className: 'before', alt: given.before, hidden: true, draggable: false });
  const after = el('img', { className: 'after', alt: given.after, hidden: true, draggable: false });
  const frame = el('div', { className: 'frame' }, before, after);
  const split = el('input', {
    type: 'range',
    className: 'unseen',
    min: 0,
    max: 100,
    value: given.split ?? 0,
    'aria-label': words.split,
  });
  const handle = el('div', { className: 'handle', hidden: true });
  /** The part of the wall that a whole picture fills. */
  const mat = el('div', { className: 'mat' });
  const wall = el('div', { className: 'wall', tabIndex: 0, role: 'group', 'aria-label': given.label }, mat, frame, split, handle);
  const percent = el('span', { className: 'percent' });

  let view = WHOLE;
  let sides = { width: 4, height: 3 };
  let shape = '';

  const sizeOf = (element) => ({ width: element.clientWidth, height: element.clientHeight });
  /** Before anything is painted, a picture that has just come has the shape that it has itself. */
  const ratio = () =>
    after.hidden && before.naturalWidth > 0 ? before.naturalHeight / before.naturalWidth : sides.height / sides.width;
  const box = () => fitted(sides.width, sides.width * ratio(), sizeOf(mat));
  /** CSS pixels that one pixel of the picture takes at scale 1. */
  const pixel = () => box().width / sides.width;
  /** The scale at which one pixel of the picture is one of the screen. */
  const single = () => 1 / (pixel() * devicePixelRatio);

  function lay() {
    const { width, height } = box();
    if (!(width > 0)) return;
    const scales = { smallest: Math.min(1, single()), largest: Math.max(1, LARGEST_PIXEL / pixel()) };
    view = clamped(view, { width, height }, sizeOf(wall), scales);
    frame.style.width = `${width}px`;
    frame.style.height = `${height}px`;
    frame.style.transform = `translate(-50%, -50%) translate(${view.x}px, ${view.y}px) scale(${view.scale})`;
    frame.classList.toggle('pixels', pixel() * view.scale >= SQUARE_PIXEL && view.scale > 1);
    wall.classList.toggle('zoomed', view.scale > 1);
    percent.textContent = `${Math.round(pixel() * view.scale * devicePixelRatio * 100)} %`;
    compare();
  }

  function compare() {
    const compared = !after.hidden && !before.hidden;
    const share = Number(split.value) / 100;
    handle.hidden = split.disabled = !compared;
    before.style.clipPath = compared ? `inset(0 ${100 - share * 100}% 0 0)` : '';
    after.style.clipPath = compared ? `inset(0 0 0 ${share * 100}%)` : '';
    const [room, picture] = [sizeOf(wall), box()];
    const at = (side, move, from) =>
      Math.min(Math.max(room[side] / 2 + move + (from - 0.5) * picture[side] * view.scale, 0), room[side]);
    handle.style.left = `${at('width', view.x, share)}px`;
    handle.style.top = `${at('height', view.y, 0)}px`;
    handle.style.bottom = `${room.height - at('height', view.y, 1)}px`;
  }

  function splitAt(clientX) {
    const { left, width } = wall.getBoundingClientRect();
    const x = clientX - left - width / 2 - view.x;
    split.value = (x / (box().width * view.scale) + 0.5) * 100;
    compare();
  }

  const turn = (next) => {
    view = next;
    lay();
  };
  const zoom = (factor, at = { x: 0, y: 0 }) => turn(zoomed(view, factor, at));
  const pan = (x, y) => turn(moved(view, x, y));
  const whole = () => turn(WHOLE);
  const pixels = () => turn({ ...view, scale: single() });

  const keys = {
    '+': () => zoom(1.25),
    '=': () => zoom(1.25),
    '-': () => zoom(0.8),
    0: whole,
    1: pixels,
    ArrowLeft: () => pan(60, 0),
    ArrowRight: () => pan(-60, 0),
    ArrowUp: () => pan(0, 60),
    ArrowDown: () => pan(0, -60),
  };
  wall.addEventListener('keydown', (event) => {
    const act = keys[event.key];
    const withSplit = event.target === split && event.key.startsWith('Arrow');
    if (!act || withSplit || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    act();
  });
  split.addEventListener('input', compare);
  listenForGestures(wall, { zoom, pan });
  handle.addEventListener('pointerdown', (event) => {
    event.stopPropagation();
    event.preventDefault();
    handle.setPointerCapture(event.pointerId);
    split.focus({ preventScroll: true });
  });
  handle.addEventListener('pointermove', (event) => {
    if (handle.hasPointerCapture(event.pointerId)) splitAt(event.clientX);
  });
  new ResizeObserver(lay).observe(wall);

  const tool = (text, label, act) => button(text, act, { className: 'tool', title: label, 'aria-label': label });
  const tools = el(
    'div',
    { className: 'tools' },
    tool('−', words.zoomOut, () => zoom(0.8)),
    percent,
    tool('+', words.zoomIn, () => zoom(1.25)),
    tool('1:1', words.zoomPixels, pixels),
    tool(words.zoomFit, words.zoomFit, whole),
  );
  root.append(wall, tools);

  const wantBefore = arrivals(before, lay);
  const wantAfter = arrivals(after, lay);

  function show(wanted) {
    sides = { width: wanted.width, height: wanted.height };
    const found = `${wanted.series} ${(sides.width / sides.height).toFixed(1)}`;
    if (found !== shape) view = WHOLE;
    shape = found;
    wantBefore(wanted.before);
    wantAfter(wanted.after, wanted.series);
    lay();
  }

  return { show };
}
