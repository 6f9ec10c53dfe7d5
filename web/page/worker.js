/**
 * The engine's worker: answers the page's requests, paints, and gives control back to the browser wherever its GPU has not
 * answered yet.
 *
 * In: {number, call, file}. Out: {ready: {device, gpu}} once, {number, answer} for each request, {told: {event, data}, file}
 * for what happens.
 */
import load, { Computer, PageEngine } from './impasto_web.js';
import { turn } from './turn.js';

const empty = new Uint8Array();
let engine = null;
let busy = false;

function tell() {
  for (let text = engine.next_told(); text !== undefined; text = engine.next_told()) {
    const told = JSON.parse(text);
    const file = engine.told_file();
    postMessage({ told, file }, file ? [file.buffer] : []);
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

function answer({ number, call, file }) {
  const text = engine.answer(JSON.stringify(call), file ?? empty);
  tell();
  postMessage({ number, answer: JSON.parse(text) });
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
