/**
 * The engine in a worker: takes the page's requests, paints, and gives control back to the browser wherever its GPU has
 * not answered yet.
 *
 * In: {kind: 'paint', id, photograph, painting, options} (bytes of files, numbers by the command line's names),
 * {kind: 'pause' | 'resume' | 'stop', id}, {kind: 'change', id, options}.
 * Out: {kind: 'ready', device}, {kind: 'scale' | 'iteration', id, …}, {kind: 'picture', id, png, last},
 * {kind: 'stopped', id}, {kind: 'failed', id, message}.
 */
import load, { Computer, Work, demo_photograph, demo_painting } from './impasto_web.js';

/** Time between two pictures on the way, in milliseconds. */
const PICTURE_EVERY = 1000;

let computer;
/** What is painted: {id, work, paused, stopped}. */
let present = null;
const waiting = [];

const { port1, port2 } = new MessageChannel();
let go = null;
port1.onmessage = () => go();
/** Lets the event loop turn once, without the delay that timers have. */
const turn = () =>
  new Promise((resolve) => {
    go = resolve;
    port2.postMessage(null);
  });

function tellNews(id, work) {
  for (let text = work.news(); text !== undefined; text = work.news()) {
    const news = JSON.parse(text);
    if (news.kind === 'picture') postMessage({ kind: 'picture', id, png: work.png(), last: false });
    else postMessage({ ...news, id });
  }
}

async function paint({ id, photograph, painting, options }) {
  let work;
  try {
    work = new Work(computer, photograph, painting, JSON.stringify(options));
    present = { ...present, work };
    let looked = performance.now();
    let status = 'worked';
    while (status !== 'done' && !present.stopped) {
      if (present.paused) {
        await new Promise((resolve) => (present.wake = resolve));
        continue;
      }
      if (performance.now() - looked > PICTURE_EVERY) {
        looked = performance.now();
        work.look();
      }
      status = work.advance();
      tellNews(id, work);
      await turn();
    }
    if (status === 'done') work.finish();
    const png = work.png();
    if (png !== undefined) postMessage({ kind: 'picture', id, png, last: true });
    if (status !== 'done') postMessage({ kind: 'stopped', id });
  } catch (error) {
    const png = work?.png();
    if (png !== undefined) postMessage({ kind: 'picture', id, png, last: true });
    postMessage({ kind: 'failed', id, message: error.message });
  } finally {
    work?.free();
  }
}

async function next() {
  while (waiting.length > 0) {
    const request = waiting.shift();
    present = { id: request.id, work: null, paused: false, stopped: false, wake: null };
    await paint(request);
    present = null;
  }
}

onmessage = ({ data }) => {
  if (data.kind === 'paint') {
    waiting.push(data);
    if (present === null) next();
    return;
  }
  const queued = waiting.findIndex(({ id }) => id === data.id);
  if (queued >= 0 && data.kind === 'stop') {
    waiting.splice(queued, 1);
    postMessage({ kind: 'stopped', id: data.id });
  }
  if (present?.id !== data.id) return;
  if (data.kind === 'change') {
    try {
      present.work?.change(JSON.stringify(data.options));
    } catch (error) {
      postMessage({ kind: 'refused', id: data.id, message: error.message });
    }
  }
  if (data.kind === 'pause') present.paused = true;
  if (data.kind === 'stop') present.stopped = true;
  if (data.kind === 'resume' || data.kind === 'stop') {
    present.paused = false;
    present.wake?.();
  }
};

await load();
const gpu = 'gpu' in navigator ? await Computer.gpu().catch(() => undefined) : undefined;
computer = gpu ?? Computer.cpu();
postMessage({
  kind: 'ready',
  device: computer.name(),
  gpu: gpu !== undefined,
  photograph: demo_photograph(768, 576),
  painting: demo_painting(768, 576),
});
