/**
 * What the browser keeps of a page: pictures, works with their results, filters. Where it keeps nothing (a private window, no
 * room), the page works all the same, and forgets.
 */
const STORES = ['pictures', 'works', 'results', 'filters'];

const promised = (request) =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

const opening = (() => {
  try {
    const request = indexedDB.open('impasto', 1);
    request.onupgradeneeded = () => STORES.forEach((store) => request.result.createObjectStore(store));
    return promised(request).catch(() => null);
  } catch {
    return Promise.resolve(null);
  }
})();

async function within(store, mode, act) {
  const database = await opening;
  if (database === null) return null;
  return promised(act(database.transaction(store, mode).objectStore(store))).catch(() => null);
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
  const what = `${work.state} ${work.deleted} ${work.picture}`;
  const isUnderway = ['waiting', 'preparing', 'painting'].includes(work.state);
  if (saved.get(work.id) === what || (isUnderway && saved.has(work.id))) return;
  saved.set(work.id, what);
  put('works', work.id, work);
}

export const saveResult = (work, file) => put('results', work, file);

/** Works in their order, with their results; what was deleted before this page was opened goes. */
export async function works() {
  const found = [];
  for (const work of await all('works')) {
    if (work.deleted) {
      await Promise.all([drop('works', work.id), drop('results', work.id)]);
      continue;
    }
    found.push({ work, result: await within('results', 'readonly', (within) => within.get(work.id)) });
  }
  return found;
}
