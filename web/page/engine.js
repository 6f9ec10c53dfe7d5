/**
 * The engine that paints, inside the page: the same functions as the engine behind the studio's server has, which is where
 * their shapes are described. It works in a worker, and what it was given and has painted is kept in the browser.
 */
import * as kept from './kept.js';
import { filtersAt, filtersIn } from './filters.js';

const words = {
  noGpu:
    'Painting on the processor, which is slow, because this browser offers no WebGPU. Chrome and Edge have it, Safari from 26 and Firefox from 141 on.',
  onGpu: (name) => `Painting on ${name} in this page: no picture leaves this computer.`,
  broken: 'The engine broke down: reload the page, and try a smaller picture or other files.',
  reopen: 'Open a saved picture',
  filters: 'Filters from a file',
  address: 'Filters from an address',
};

/** What the engine will not do, in one sentence. */
export class Refusal extends Error {
  /** @param {boolean} conflict whether the work is in a state that does not allow it, so that a new one may */
  constructor(message, conflict = false) {
    super(message);
    this.conflict = conflict;
  }
}

const worker = new Worker(new URL('./worker.js', import.meta.url), { type: 'module' });
/** Requests that are not answered yet, by their numbers. */
const asked = new Map();
let last = 0;
let broken = false;

/** Asks the worker for something. With the answer may come the PNG file in the place of another, see worker.js. */
function send(call, given = {}, file = undefined) {
  if (broken) return Promise.reject(new Refusal(words.broken));
  last += 1;
  const number = last;
  worker.postMessage({ number, call: { call, ...given }, file });
  return new Promise((resolve, reject) => asked.set(number, { resolve, reject }));
}

const ask = (call, given, file) => send(call, given, file).then(({ answer }) => answer);

/** Addresses of pictures in this page, by what they show. */
const urls = new Map();

function show(what, bytes) {
  URL.revokeObjectURL(urls.get(what));
  urls.set(what, URL.createObjectURL(new Blob([bytes], { type: 'image/png' })));
}

function hide(what) {
  URL.revokeObjectURL(urls.get(what));
  urls.delete(what);
}

/** What results are called where they are saved, by work. */
const names = new Map();
let listener = null;

const bytesOf = async (file) => new Uint8Array(await file.arrayBuffer());

/** What the worker tells, by kind. */
const heard = {
  view: (picture, file) => show(`view ${picture}`, file),
  'on-the-way': ({ work, number, dropped }, file) => {
    show(`${work} ${number}`, file);
    for (const gone of dropped) hide(`${work} ${gone}`);
  },
  result: ({ work, name }, file) => {
    names.set(work, name);
    show(`result ${work}`, file);
  },
  work(work) {
    kept.saveWork(work);
    listener?.work(work);
  },
  picture: (picture) => listener?.picture(picture),
  gone: (gone) => listener?.gone(gone),
  options: () => listener?.options?.(),
};

let ready;
const begun = new Promise((resolve) => (ready = resolve));

worker.addEventListener('message', ({ data }) => {
  if (data.ready) return ready(data.ready);
  if (data.told) return heard[data.told.event](data.told.data, data.file);
  const { resolve, reject } = asked.get(data.number);
  asked.delete(data.number);
  const { refused, conflict } = data.answer ?? {};
  if (refused === undefined) resolve(data);
  else reject(new Refusal(refused, conflict));
});

worker.addEventListener('error', () => {
  broken = true;
  for (const { reject } of asked.values()) reject(new Refusal(words.broken));
  asked.clear();
  listener?.lost(words.broken);
});

/** Gives the worker what the browser kept; what it cannot read any more is left out. */
async function restore() {
  const giveBack = (call) => call.catch((error) => error instanceof Refusal || Promise.reject(error));
  for (const { name, mask, file } of await kept.pictures()) {
    await giveBack(ask('add-picture', { name, mask }, await bytesOf(file)));
  }
  for (const { name, file } of await kept.filters()) await giveBack(ask('add-filters', { name }, await bytesOf(file)));
  for (const { work, result, checkpoint } of await kept.works()) {
    const taken = await giveBack(ask('keep', { work, then: checkpoint?.then }, result ? await bytesOf(result) : undefined));
    if (checkpoint?.picture) show(`${work.id} ${taken.picture}`, checkpoint.picture);
  }
}

/** Calls the listener whenever something changes, the whole state first. */
export async function follow(given) {
  const { device, gpu } = await begun;
  await restore();
  const state = await ask('state');
  listener = given;
  listener.state({ ...state, device: gpu ? words.onGpu(device) : words.noGpu });
}

export const options = () => begun.then(() => ask('options'));

async function add(file, name, mask) {
  const { answer: picture, png } = await send('add-picture', { name, mask }, await bytesOf(file));
  kept.savePicture(picture.id, { name, mask, file: png === null ? file : new Blob([png]) });
  return picture;
}
export const addPicture = (file, name) => add(file, name, false);
export const addMask = (file, name) => add(file, name, true);
export async function removePicture(picture) {
  await ask('remove-picture', { picture });
  hide(`view ${picture}`);
  kept.forgetPicture(picture);
}

export const begin = (request) => ask('begin', { request });
export const pause = (work) => ask('pause', { work });
export const resume = (work) => ask('resume', { work });
export const stop = (work) => ask('stop', { work });
export const further = (work, iterations) => ask('further', { work, iterations });
export const larger = (work, size) => ask('larger', { work, size });
export const change = (work, changed) => ask('change', { work, options: changed });
export const restoreWork = (work) => ask('restore', { work });
export { restoreWork as restore };
export const remove = (work) => ask('remove', { work });

export const viewOf = (picture) => urls.get(`view ${picture}`) ?? '';
export const pictureOf = (work, number) => urls.get(`${work} ${number}`) ?? null;
export const resultOf = (work) => urls.get(`result ${work.id}`) ?? null;
export const downloadOf = resultOf;
export const downloadNameOf = (work) => names.get(work.id) ?? 'picture.png';

async function takeFilters({ name, file }) {
  await ask('add-filters', { name }, await bytesOf(file));
  kept.saveFilters(name, file);
  return null;
}

export const extras = [
  {
    label: words.reopen,
    accept: 'image/png',
    take: async (file) => ask('reopen', { name: file.name }, await bytesOf(file)),
  },
  { label: words.filters, accept: '.safetensors', take: async (file) => takeFilters(await refusing(filtersIn(file))) },
  { label: words.address, address: true, take: async (address) => takeFilters(await refusing(filtersAt(address))) },
];

/** What fails outside of the engine, as a refusal. */
const refusing = (promise) => promise.catch((error) => Promise.reject(new Refusal(error.message)));

navigator.serviceWorker?.register(new URL('../service.js', import.meta.url)).catch(() => {
  // Without it the page works as long as its server is there.
});
