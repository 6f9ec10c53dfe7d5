/**
 * Checks the GPU beside the page.
 *
 * In: {kind: 'validate', oneIn, only}, {kind: 'measure', sizes}. Out: {kind: 'ready', name, gpu}, {kind: 'result', …} for each case and
 * {kind: 'validated'}, {kind: 'time', width, height, milliseconds} for each size and {kind: 'measured'}, {kind: 'failed',
 * message}.
 */
import load, { Bench, Computer, Validation } from './impasto_web.js';
import { turn } from './turn.js';

async function validate(computer, { oneIn, only }) {
  const validation = Validation.of(computer, oneIn, only);
  const count = validation.count();
  for (let text = validation.step(); text !== undefined; text = validation.step()) {
    const told = JSON.parse(text);
    if (told.pending) await turn(true);
    else postMessage({ kind: 'result', count, ...told });
  }
  validation.free();
  postMessage({ kind: 'validated' });
}

async function measure(computer, sizes) {
  for (const [width, height] of sizes) {
    const bench = new Bench(computer, width, height);
    for (let step = bench.step(); step !== 'done'; step = bench.step()) await turn(step === 'pending');
    postMessage({ kind: 'time', width, height, milliseconds: bench.milliseconds() });
    bench.free();
  }
  postMessage({ kind: 'measured' });
}

const loaded = load().then(() => ('gpu' in navigator ? Computer.gpu() : undefined));

onmessage = async ({ data }) => {
  try {
    const computer = await loaded;
    if (data.kind === 'validate') await validate(computer, data);
    else await measure(computer, data.sizes);
  } catch (error) {
    postMessage({ kind: 'failed', message: error.message });
  }
};

const computer = await loaded.catch(() => undefined);
postMessage({ kind: 'ready', name: computer?.name() ?? '', gpu: computer !== undefined });
