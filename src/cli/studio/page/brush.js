/**
 * A soft brush on a grey canvas that is black where nothing counts and white where all does. Of what lies over one another the
 * lighter stays, and of what is erased the darker, so that a soft edge is as soft after many strokes as after one.
 */

/** Strokes that can be undone. Each keeps a copy of the canvas, 4 MiB at most. */
const UNDONE = 24;

/** Distance of two dabs of a stroke, as a share of the brush's radius. */
const SPACING = 0.12;

/** Levels of grey from the core of the brush to its rim, at equal distances: a smooth step. */
const RIM = [1, 0.844, 0.5, 0.156, 0];

/** @param {HTMLCanvasElement} canvas */
export function createBrush(canvas) {
  const context = canvas.getContext('2d', { willReadFrequently: true });
  const past = [];
  let last = null;

  const all = () => context.getImageData(0, 0, canvas.width, canvas.height);

  function remember() {
    past.push(all());
    if (past.length > UNDONE) past.shift();
  }

  function fill(grey) {
    context.globalCompositeOperation = 'source-over';
    context.fillStyle = grey;
    context.fillRect(0, 0, canvas.width, canvas.height);
  }

  /** A dab at a point. `radius` is in pixels of the canvas, `softness` the share of it that is rim. */
  function dab({ x, y }, { radius, softness, erases }) {
    const gradient = context.createRadialGradient(x, y, radius * (1 - softness), x, y, radius);
    RIM.forEach((level, at) => {
      const grey = Math.round((erases ? 1 - level : level) * 255);
      gradient.addColorStop(at / (RIM.length - 1), `rgb(${grey} ${grey} ${grey})`);
    });
    context.globalCompositeOperation = erases ? 'darken' : 'lighten';
    context.fillStyle = gradient;
    context.beginPath();
    context.arc(x, y, radius, 0, 2 * Math.PI);
    context.fill();
  }

  return {
    /** Begins a stroke with one dab. */
    begin(point, tip) {
      remember();
      dab(point, tip);
      last = point;
    },
    /** Leads the stroke to a point, in dabs that lie close together. */
    lead(point, tip) {
      const step = Math.max(1, tip.radius * SPACING);
      const way = Math.hypot(point.x - last.x, point.y - last.y);
      for (let at = step; at <= way; at += step) {
        dab({ x: last.x + ((point.x - last.x) * at) / way, y: last.y + ((point.y - last.y) * at) / way }, tip);
      }
      if (way >= step) {
        dab(point, tip);
        last = point;
      }
    },
    /** Makes all of it black or white; not a stroke where it is the first. */
    fill(white, first = false) {
      if (!first) remember();
      fill(white ? '#fff' : '#000');
    },
    invert() {
      remember();
      context.globalCompositeOperation = 'difference';
      context.fillStyle = '#fff';
      context.fillRect(0, 0, canvas.width, canvas.height);
    },
    /** What was painted earlier, to go on from. */
    draw(picture) {
      context.globalCompositeOperation = 'source-over';
      context.drawImage(picture, 0, 0, canvas.width, canvas.height);
    },
    undo() {
      if (past.length > 0) context.putImageData(past.pop(), 0, 0);
    },
    /** Whether nothing counts. */
    isEmpty: () => all().data.every((value, at) => at % 4 !== 0 || value === 0),
  };
}
