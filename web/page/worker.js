/**
 * The engine's worker: answers the page's requests, paints, and gives control back to the browser wherever its GPU has not
 * answered yet.
 *
 * In: {number, call, file}. Out: {ready: {device, gpu}} once, {number, answer, png} for each request, {told: {event, data}, file}
 * for what happens.
 */
import { asPng } from './formats.js';
import load, { Computer, PageEngine } from './impasto_web.js';
import * as kept from './kept.js';
import { turn } from './turn.js';

const empty = new Uint8Array();
let engine = null;
let busy = false;

/** The latest picture on the way of each work. */
const latest = new Map();

/** What the worker keeps in the browser by itself: a file of many bytes would hold up the page. */
const keeping = {
  'on-the-way': ({ work }, file) => latest.set(work, new Blob([file], { type: 'image/png' })),
  result: ({ work, finished }, file) => kept.saveResult(work, new Blob([file]), finished),
};

/** What is between the engine and the browser's storage, of which the page need not know. */
const internal = {
  async checkpoint(then, file) {
    const { id } = then;
    const saving = kept.saveCheckpoint(id, { then, picture: latest.get(id), file: new Blob([file]) });
    const problem = await saving.then(
      () => null,
      (error) => error?.message ?? String(error),
    );
    request({ call: 'kept', work: id, problem });
    work();
  },
  'no-checkpoint': (number) => kept.forgetCheckpoint(number),
  async wanted(number) {
    const checkpoint = await kept.checkpointOf(number);
    const file = await checkpoint?.file.arrayBuffer().catch(() => undefined);
    request({ call: 'bring', work: number }, file ? new Uint8Array(file) : empty);
    work();
  },
};

function tell() {
  for (let text = engine.next_told(); text !== undefined; text = engine.next_told()) {
    const told = JSON.parse(text);
    const file = engine.told_file();
    keeping[told.event]?.(told.data, file);
    if (told.event in internal) internal[told.event](told.data, file);
    else postMessage({ told, file }, file ? [file.buffer] : []);
  }
}

/** Opens the GPU again after a work has failed: it may be lost. */
async function renew() {
  const computer = await Computer.gpu().catch(() => undefined);
  if (computer) engine.set_computer(computer);
}

/** Works until there is nothing to do. */
async function work() {
  if (busy) return;
  busy = true;
  for (let step = engine.step(); step !== 'idle'; step = engine.step()) {
    tell();
    if (engine.take_failure()) await renew();
    await turn(step === 'pending');
  }
  tell();
  busy = false;
}

/** Requests that came before the engine was there. */
const early = [];

/** Asks the engine for something. */
function request(call, file = empty) {
  const text = engine.answer(JSON.stringify(call), file);
  tell();
  return JSON.parse(text);
}

async function answer({ number, call, file }) {
  let told = request(call, file);
  // Where the engine does not know a picture's format, the browser may.
  const png = told?.format ? await asPng(file) : null;
  if (png !== null) told = request(call, png);
  postMessage({ number, answer: told, png });
  work();
}

onmessage = ({ data }) => (engine === null ? early.push(data) : answer(data));

await load();
const gpu = 'gpu' in navigator ? await Computer.gpu().catch(() => undefined) : undefined;
const computer = gpu ?? Computer.cpu();
const name = computer.name();
engine = new PageEngine(computer);
tell();
postMessage({ ready: { device: name, gpu: gpu !== undefined } });
early.forEach(answer);
