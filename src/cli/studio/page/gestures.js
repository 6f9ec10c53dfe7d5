/** Wheel, drag and pinch on an element, as zooming and panning. Points are given from the element's middle, in CSS pixels. */

/** How far the wheel turns for twice the size. */
const WHEEL_DOUBLES = 400;

/**
 * @param {HTMLElement} element
 * @param {{zoom: (factor: number, at: {x: number, y: number}) => void, pan: (x: number, y: number) => void}} acts
 */
export function listenForGestures(element, { zoom, pan }) {
  /** Fingers and buttons that are down, where they were last. */
  const down = new Map();

  const point = (event) => {
    const { left, top, width, height } = element.getBoundingClientRect();
    return { x: event.clientX - left - width / 2, y: event.clientY - top - height / 2 };
  };
  const middle = ([one, other]) => ({ x: (one.x + other.x) / 2, y: (one.y + other.y) / 2 });
  const apart = ([one, other]) => Math.hypot(one.x - other.x, one.y - other.y);

  element.addEventListener(
    'wheel',
    (event) => {
      event.preventDefault();
      // Browsers count in lines or pages too, and give a pinch on a touch pad as a small turn with Ctrl.
      const turn = event.deltaY * [1, 20, 400][event.deltaMode] * (event.ctrlKey ? 5 : 1);
      zoom(2 ** (-turn / WHEEL_DOUBLES), point(event));
    },
    { passive: false },
  );
  element.addEventListener('pointerdown', (event) => {
    if (event.button !== 0) return;
    element.setPointerCapture(event.pointerId);
    down.set(event.pointerId, point(event));
  });
  element.addEventListener('pointermove', (event) => {
    if (!down.has(event.pointerId)) return;
    const before = [...down.values()];
    down.set(event.pointerId, point(event));
    const after = [...down.values()];
    if (after.length === 2) {
      const [from, to] = [middle(before), middle(after)];
      pan(to.x - from.x, to.y - from.y);
      zoom(apart(after) / Math.max(apart(before), 1), to);
    } else if (after.length === 1) {
      pan(after[0].x - before[0].x, after[0].y - before[0].y);
    }
  });
  for (const end of ['pointerup', 'pointercancel', 'lostpointercapture']) {
    element.addEventListener(end, (event) => down.delete(event.pointerId));
  }
}
