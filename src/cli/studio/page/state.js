/**
 * The one store of the page: plain data that is replaced, never changed in place, and watchers that are called when what
 * they look at is another.
 *
 * @typedef {import('./engine.js').Picture} Picture
 * @typedef {import('./engine.js').Work} Work
 * @typedef {import('./engine.js').Recipe} Recipe
 */

let state = {
  /** Whether the engine has told its state at least once. */
  ready: false,
  device: '',
  /** @type {number|null} long side of the largest picture that fits into the memory */
  largest: null,
  /** @type {Map<string, Picture>} */
  pictures: new Map(),
  /** @type {Map<number, Work>} */
  works: new Map(),
  /** @type {{name: string, options: import('./engine.js').Option[]}[]} */
  groups: [],
  /** @type {Recipe} what Paint would paint */
  recipe: { photograph: null, paintings: [], keep: null, options: {} },
  /** Files on their way to the engine: where each goes, with an address to show it by. */
  arriving: [],
  /** @type {number|null} number of the work on the stage */
  shown: null,
  /** @type {number|null} the picture on the way that is looked at, where it is not the latest */
  looked: null,
  /** @type {string[]} options that were changed and count only from a new start */
  needStart: [],
  /** @type {'studio'|'gallery'} */
  view: 'studio',
  /** @type {number[]} works that are to be compared: none or one */
  compared: [],
  /** @type {string|null} what went wrong last */
  trouble: null,
  /** @type {string|null} why the engine is not heard of, while it is not */
  lost: null,
};

const watchers = [];
let asked = false;

/** The state as it is now. */
export const now = () => state;

/** Replaces parts of the state. Watchers hear of it with the next frame, of many changes at once. */
export function update(changes) {
  state = { ...state, ...changes };
  if (asked) return;
  asked = true;
  requestAnimationFrame(() => {
    asked = false;
    for (const watcher of watchers) watcher();
  });
}

/**
 * Calls `act` with what `select` gives: once soon, and whenever an element of it is another.
 * @param {(state: typeof state) => any[]} select
 */
export function watch(select, act) {
  let seen = null;
  const watcher = () => {
    const found = select(state);
    if (seen !== null && found.length === seen.length && found.every((value, at) => Object.is(value, seen[at]))) return;
    seen = found;
    act(...found);
  };
  watchers.push(watcher);
  update({});
}

/** The work on the stage. @returns {Work|null} */
export const shownWork = (state) => state.works.get(state.shown) ?? null;

/** Whether more is coming of it. */
export const isActive = (work) => ['waiting', 'preparing', 'painting', 'paused'].includes(work.state);

/** The works that the engine has still to do, in their order. @returns {Work[]} */
export const queue = (works) =>
  [...works.values()]
    .filter((work) => isActive(work) && !work.deleted)
    .sort((one, other) => (one.state === 'waiting') - (other.state === 'waiting') || one.id - other.id);

/** @returns {import('./engine.js').Option|undefined} */
export const optionOf = (groups, name) => groups.flatMap((group) => group.options).find((option) => option.name === name);

export const withWork = (works, work) => new Map(works).set(work.id, work);

export function without(map, key) {
  const rest = new Map(map);
  rest.delete(key);
  return rest;
}
