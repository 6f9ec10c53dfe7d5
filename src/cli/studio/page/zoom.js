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

/** The view as near as the picture allows: never smaller than the wall, never with its edge inside of it. */
export function clamped(view, box, wall, largest) {
  const scale = Math.min(Math.max(view.scale, 1), Math.max(largest, 1));
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
