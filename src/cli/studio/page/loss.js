/** The curve of the loss, on a logarithmic scale, with its ends in words. */
import { byId } from './dom.js';
import { shownWork, watch } from './state.js';
import { words } from './words.js';

const WIDTH = 200;
const HEIGHT = 40;

/** Corners of the curve, from the left to the right, the largest loss at the top. */
function corners(losses) {
  const values = losses.filter((loss) => loss > 0).map(Math.log);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const x = (at) => (at / Math.max(values.length - 1, 1)) * WIDTH;
  const y = (value) => HEIGHT - 2 - ((value - low) / Math.max(high - low, 1e-9)) * (HEIGHT - 4);
  return values.map((value, at) => `${x(at).toFixed(1)},${y(value).toFixed(1)}`).join(' ');
}

const short = (number) => Number(number.toPrecision(3)).toString();

export function mountLoss() {
  const figure = byId('loss');
  const curve = figure.querySelector('svg');
  curve.setAttribute('viewBox', `0 0 ${WIDTH} ${HEIGHT}`);
  watch(
    (state) => [shownWork(state)?.losses],
    (losses) => {
      figure.hidden = !losses || losses.length < 2;
      if (figure.hidden) return;
      const [first, last] = [short(losses[0]), short(losses.at(-1))];
      curve.querySelector('polyline').setAttribute('points', corners(losses));
      curve.setAttribute('aria-label', words.lossCurve(first, last));
      figure.querySelector('.figure').textContent = last;
    },
  );
}
