/**
 * The engine that paints: everything the page asks of it goes through this module. This one speaks to the server that the
 * page came from. Another with the same functions can drive an engine inside the page.
 *
 * @typedef {{id: string, name: string, width: number, height: number, demo: 'photograph'|'painting'|null, alpha: boolean,
 *   mask?: boolean}} Picture
 * @typedef {{picture: string, weight: number|null, mask: string|null, region: string|null}} PaintingChoice
 *   Pictures by their ids; `mask` is the part of the painting that counts, `region` where on the photograph it rules.
 * @typedef {{photograph: string|null, paintings: PaintingChoice[], keep: string|null, options: Object<string, string>}} Recipe
 * @typedef {'waiting'|'preparing'|'painting'|'paused'|'done'|'stopped'|'failed'} WorkState
 * @typedef {Recipe & {id: number, state: WorkState, width: number|null, height: number|null,
 *   scale: {number: number, count: number, width: number, height: number}|null, iteration: number, iterations: number,
 *   loss: number|null, losses: number[], left: number|null, picture: number, strip: number[], result: boolean,
 *   message: string|null, command: string, created: number, deleted: boolean}} Work
 *   `left` is in seconds, `created` in seconds since 1970, `picture` the number of the latest picture on the way, 0 if none.
 * @typedef {{name: string, help: string, kind: 'number'|'integer'|'choice'|'text'|'flag',
 *   values: {name: string, help: string}[], default: string|null, live: boolean}} Option
 * @typedef {{version: string, device: string, largest: number|null, pictures: Picture[], works: Work[]}} State
 */
import { words } from './words.js';

/** What the engine will not do, in one sentence. */
export class Refusal extends Error {
  /** @param {boolean} conflict whether the work is in a state that does not allow it, so that a new one may */
  constructor(message, conflict = false) {
    super(message);
    this.conflict = conflict;
  }
}

async function request(path, method = 'GET', body = undefined) {
  const headers = method === 'GET' ? {} : { 'X-Impasto': '1' };
  const plain = body === undefined || body instanceof Blob;
  if (!plain) headers['Content-Type'] = 'application/json';
  let response;
  try {
    response = await fetch(path, { method, headers, body: plain ? body : JSON.stringify(body) });
  } catch {
    throw new Refusal(words.unreachable);
  }
  if (response.ok) return response.status === 204 ? null : response.json();
  const told = await response.json().catch(() => ({}));
  const signedOut = response.status === 401 || response.status === 403;
  throw new Refusal(
    told.error ?? (signedOut ? words.refused : `${response.status} ${response.statusText}`),
    response.status === 409,
  );
}

/**
 * Calls the listener whenever something changes, the whole state first and again after a lost connection.
 * @param {{state: (state: State) => void, work: (work: Work) => void, picture: (picture: Picture) => void,
 *   gone: (gone: {work?: number, picture?: string}) => void, lost: (why: string) => void, options: () => void}} listener
 *   `options`: what can be set is other than it was
 */
export function follow(listener) {
  const events = new EventSource('/api/events');
  for (const name of ['state', 'work', 'picture', 'gone']) {
    events.addEventListener(name, (event) => listener[name](JSON.parse(event.data)));
  }
  events.addEventListener('error', async () => {
    listener.lost(words.lost);
    // After an answer that is no stream the browser gives up and does not tell why.
    if (events.readyState !== EventSource.CLOSED) return;
    await request('/api/state').catch((refusal) => listener.lost(refusal.message));
    setTimeout(() => follow(listener), 2000);
  });
}

/** @returns {Promise<{groups: {name: string, options: Option[]}[]}>} all that can be set, as the command line has it */
export const options = () => request('/api/options');

/** @param {Blob} file @returns {Promise<Picture>} */
export const addPicture = (file, name) => request(`/api/pictures?name=${encodeURIComponent(name)}`, 'POST', file);

/** @param {Blob} file a grey picture: white counts @returns {Promise<Picture>} */
export const addMask = (file, name) => request(`/api/pictures?name=${encodeURIComponent(name)}&mask=1`, 'POST', file);

export const removePicture = (picture) => request(`/api/pictures/${picture}`, 'DELETE');

/** @param {Recipe} recipe @returns {Promise<Work>} */
export const begin = (recipe) => request('/api/works', 'POST', recipe);

const told = (work, verb, body = {}) => request(`/api/works/${work}/${verb}`, 'POST', body);

/** Each resolves to the work as it is then. */
export const pause = (work) => told(work, 'pause');
export const resume = (work) => told(work, 'resume');
export const stop = (work) => told(work, 'stop');
export const further = (work, iterations) => told(work, 'further', { iterations });
export const larger = (work, size) => told(work, 'larger', { size });
export const change = (work, changed) => told(work, 'change', { options: changed });
export const restore = (work) => told(work, 'restore');
export const remove = (work) => request(`/api/works/${work}`, 'DELETE');

/** Addresses of pictures, for img elements and links. */
export const viewOf = (picture) => `/api/pictures/${picture}/view`;
export const pictureOf = (work, number) => `/api/works/${work}/pictures/${number}`;
export const resultOf = (work) => `/api/works/${work.id}/result?of=${work.width}x${work.height}-${work.picture}`;
export const downloadOf = (work) => `/api/works/${work.id}/result?download=1`;
/** What the file is called that is downloaded; empty where the answer says it. */
export const downloadNameOf = () => '';

/**
 * What the engine takes besides pictures.
 * @type {{label: string, accept?: string, address?: boolean, take: (given: File|string) => Promise<Work|null>}[]}
 *   `accept` says which files; of `address`, an address is taken. What comes of it is a work, or nothing to be seen.
 */
export const extras = [];
