/**
 * Where a picture lies on its wall, as pure functions. A view is `{scale, x, y}`: the picture fills the wall at scale 1, and
 * x and y move its middle away from the wall's middle, in CSS pixels.
 */

export const WHOLE = { scale: 1, x: 0, y: 0 };

/** Width and height of a picture of these sides that fills a wall as far as its shape allows. */
export function fitted(width, height, wall) {
  const scale = Math.min(wall.width / width, wall.height / height);
  return { width: width * scale, height: height * scale };
}

/** The view within these scales; a picture larger than the wall has no edge inside of it, a smaller one is in its middle. */
export function clamped(view, box, wall, { smallest, largest }) {
  const scale = Math.min(Math.max(view.scale, smallest), largest);
  const room = (side) => Math.max(0, (box[side] * scale - wall[side]) / 2);
  const within = (value, most) => Math.min(Math.max(value, -most), most);
  return { scale, x: within(view.x, room('width')), y: within(view.y, room('height')) };
}

/** The view with the point `at`, from the wall's middle, where it was. */
export function zoomed(view, factor, at) {
  const move = (from, point) => point - (point - from) * factor;
  return { scale: view.scale * factor, x: move(view.x, at.x), y: move(view.y, at.y) };
}

export const moved = (view, x, y) => ({ ...view, x: view.x + x, y: view.y + y });
