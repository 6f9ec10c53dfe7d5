/** The page that checks a browser and its GPU: asks a worker, fills two tables, and copies them as text. */
import { byId, el } from './dom.js';

/** Sizes at which an iteration is timed. */
const SIZES = [
  [256, 192],
  [512, 384],
];

const asked = new URLSearchParams(location.search);
/** Of so many cases one is run: ?one-in=13 is for drivers that compile slowly. */
const oneIn = Number(asked.get('one-in')) || 1;
/** What the names of cases have in them: ?only=gram. */
const only = asked.get('only') ?? '';

const worker = new Worker(new URL('./check-worker.js', import.meta.url), { type: 'module' });
const say = (text) => (byId('status').textContent = text);

let device = '';
/** What was found of each kernel, by operation and variant. */
const kernels = new Map();
const times = [];
const failures = [];

const buttons = ['validate', 'measure'];
const allow = (may) => buttons.forEach((name) => (byId(name).disabled = !may));

function rowOf(kernel) {
  const { operation, variant, cases, failed, error, tolerance } = kernel;
  return [operation, variant ?? '', cases, failed, error.toExponential(1), tolerance.toExponential(0)];
}

function fill(table, rows) {
  byId(table).hidden = rows.length === 0;
  byId(table)
    .querySelector('tbody')
    .replaceChildren(...rows.map((row) => el('tr', {}, ...row.map((cell) => el('td', {}, String(cell))))));
}

const heard = {
  ready({ name, gpu }) {
    device = name;
    if (!gpu) return say('This browser offers no WebGPU: there is nothing to check.');
    say(`${device}: nothing was checked yet.`);
    allow(true);
  },
  result({ count, number, operation, variant, passed, error, tolerance, line }) {
    const key = `${operation} ${variant}`;
    const kernel = kernels.get(key) ?? { operation, variant, cases: 0, failed: 0, error: 0, tolerance: 0 };
    kernel.cases += 1;
    // What is no number is no small error.
    if ((error ?? Infinity) >= kernel.error) Object.assign(kernel, { error: error ?? Infinity, tolerance });
    if (!passed) {
      kernel.failed += 1;
      const failure = `${variant ?? operation}: ${line}`;
      failures.push(failure);
      byId('failures').append(el('li', {}, failure));
    }
    kernels.set(key, kernel);
    say(`Case ${number} of ${count}, ${failures.length} failed.`);
  },
  validated() {
    fill('kernels', [...kernels.values()].map(rowOf));
    const cases = [...kernels.values()].reduce((sum, kernel) => sum + kernel.cases, 0);
    say(`${cases} cases on ${device}, ${failures.length} failed.`);
    byId('copy').disabled = false;
    allow(true);
  },
  time({ width, height, milliseconds }) {
    times.push([`${width}x${height}`, milliseconds.toFixed(1)]);
    fill('times', times);
  },
  measured() {
    say(`Measured on ${device}.`);
    byId('copy').disabled = false;
    allow(true);
  },
  failed({ message }) {
    say(message);
    allow(true);
  },
};

worker.addEventListener('message', ({ data }) => heard[data.kind](data));
worker.addEventListener('error', () => say('The check broke down: reload the page.'));

byId('validate').addEventListener('click', () => {
  kernels.clear();
  failures.length = 0;
  byId('failures').replaceChildren();
  allow(false);
  worker.postMessage({ kind: 'validate', oneIn, only });
});

byId('measure').addEventListener('click', () => {
  times.length = 0;
  allow(false);
  say('Measuring …');
  worker.postMessage({ kind: 'measure', sizes: SIZES });
});

/** Both tables as text. */
function text() {
  const lines = [`impasto in ${navigator.userAgent}`, device, ''];
  for (const kernel of kernels.values()) lines.push(rowOf(kernel).join('\t'));
  lines.push(...failures, '');
  for (const [size, milliseconds] of times) lines.push(`${size}\t${milliseconds} ms an iteration`);
  return lines.join('\n');
}

byId('copy').addEventListener('click', async () => {
  await navigator.clipboard.writeText(text());
  say('Copied.');
});
