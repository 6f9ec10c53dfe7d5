/**
 * What the browser keeps of a page: pictures, works with their results and checkpoints, filters. Where it keeps nothing (a
 * private window, no room), the page works all the same, and forgets. Pictures, works and filters are written by the page,
 * results and checkpoints by its worker.
 */
const STORES = ['pictures', 'works', 'results', 'checkpoints', 'filters'];
const VERSION = 2;

const promised = (request) =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

const opening = (() => {
  try {
    const request = indexedDB.open('impasto', VERSION);
    request.onupgradeneeded = () => {
      const { result: database } = request;
      STORES.filter((store) => !database.objectStoreNames.contains(store)).forEach((store) => database.createObjectStore(store));
    };
    // Another tab has a page of another version: that one goes on, or this one.
    const blocked = new Promise((resolve) => (request.onblocked = () => resolve(null)));
    const opened = promised(request).then((database) => {
      database.onversionchange = () => database.close();
      return database;
    });
    return Promise.race([opened, blocked]).catch(() => null);
  } catch {
    return Promise.resolve(null);
  }
})();

async function within(store, mode, act) {
  const database = await opening;
  if (database === null) return null;
  try {
    return await promised(act(database.transaction(store, mode).objectStore(store)));
  } catch {
    return null;
  }
}

/** Changes several stores at once: all of it is kept, or nothing and the reason is thrown. */
async function change(stores, act) {
  const database = await opening;
  if (database === null) throw new Error('it keeps nothing of this page');
  const transaction = database.transaction(stores, 'readwrite');
  act(...stores.map((store) => transaction.objectStore(store)));
  await new Promise((resolve, reject) => {
    transaction.oncomplete = resolve;
    transaction.onabort = () => reject(transaction.error);
  });
}

const put = (store, key, value) => within(store, 'readwrite', (within) => within.put(value, key));
const drop = (store, key) => within(store, 'readwrite', (within) => within.delete(key));
const all = async (store) => (await within(store, 'readonly', (within) => within.getAll())) ?? [];

/** @returns {Promise<{name: string, mask: boolean, file: Blob}[]>} */
export const pictures = () => all('pictures');
export const savePicture = (id, picture) => put('pictures', id, picture);
export const forgetPicture = (id) => drop('pictures', id);

/** @returns {Promise<{name: string, file: Blob}[]>} */
export const filters = () => all('filters');
export const saveFilters = (name, file) => put('filters', name, { name, file });

/** Works as they were saved last, by number: what is told of an iteration is not worth a write. */
const saved = new Map();

export function saveWork(work) {
  const isUnderway = ['waiting', 'preparing', 'painting'].includes(work.state);
  const how = isUnderway ? '' : `${work.state} ${work.picture}`;
  const what = JSON.stringify([how, work.deleted, work.options, work.larger, work.further]);
  if (saved.get(work.id) === what) return;
  saved.set(work.id, what);
  put('works', work.id, work);
}

/** Keeps a result; what is finished needs its checkpoint no more. */
export async function saveResult(work, file, isFinished) {
  const keep = (results, checkpoints) => {
    results.put(file, work);
    if (isFinished) checkpoints.delete(work);
  };
  await change(['results', 'checkpoints'], keep).catch(() => null);
}

/**
 * Keeps a checkpoint in the place of the one before, which stays if there is no room.
 * @param {{then: object, picture: Blob|undefined, file: Blob}} checkpoint the work as it was, the latest picture on the way, and
 *   what the engine goes on from
 */
export async function saveCheckpoint(work, checkpoint) {
  try {
    await change(['checkpoints'], (checkpoints) => checkpoints.put(checkpoint, work));
  } catch (error) {
    throw error?.name === 'QuotaExceededError' ? new Error('there is no more room', { cause: error }) : error;
  }
}

export const checkpointOf = (work) => within('checkpoints', 'readonly', (within) => within.get(work));
export const forgetCheckpoint = (work) => drop('checkpoints', work);

/** Works in their order, with their results and checkpoints; what was deleted before this page was opened goes. */
export async function works() {
  const found = [];
  for (const work of await all('works')) {
    if (work.deleted) {
      await Promise.all(['works', 'results', 'checkpoints'].map((store) => drop(store, work.id)));
      continue;
    }
    const result = await within('results', 'readonly', (within) => within.get(work.id));
    found.push({ work, result, checkpoint: await checkpointOf(work.id) });
  }
  return found;
}
