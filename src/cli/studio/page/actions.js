/** What a person does: changes of the recipe, and requests to the engine with what becomes of them. */
import * as engine from './engine.js';
import { isActive, now, optionOf, shownWork, update, withWork, without } from './state.js';
import { settled } from './dom.js';
import { toast } from './toast.js';
import { words } from './words.js';

/** Files that are on their way: Paint waits for them. */
const uploads = new Set();

/** Does something with the engine; what it refuses is shown. Resolves to null then. */
export async function attempt(act) {
  try {
    return await act();
  } catch (error) {
    if (!(error instanceof engine.Refusal)) throw error;
    update({ trouble: error.message });
    return null;
  }
}

export function setRecipe(changes) {
  update({ recipe: { ...now().recipe, ...changes } });
}

/** Another photograph: what was masked on the one before is gone with it, and can be brought back. */
export function choosePhotograph(picture) {
  const { recipe } = now();
  if (recipe.photograph === picture) return;
  const masked = recipe.keep !== null || recipe.paintings.some((painting) => painting.region !== null);
  const paintings = recipe.paintings.map((painting) => ({ ...painting, region: null }));
  setRecipe({ photograph: picture, keep: null, paintings });
  const work = shownWork(now());
  if (work && !isActive(work)) show(null);
  if (masked) toast(words.masksDropped, words.undo, () => setRecipe(recipe));
}

const painting = (picture) => ({ picture, weight: null, mask: null, region: null });

/** Another painting in the place of the first. */
export function choosePainting(picture) {
  const [, ...rest] = now().recipe.paintings;
  setRecipe({ paintings: [painting(picture), ...rest.filter((other) => other.picture !== picture)] });
}

function addPainting(picture) {
  const { paintings } = now().recipe;
  if (!paintings.some((other) => other.picture === picture)) setRecipe({ paintings: [...paintings, painting(picture)] });
}

export function changePainting(at, changes) {
  setRecipe({ paintings: now().recipe.paintings.map((one, index) => (index === at ? { ...one, ...changes } : one)) });
}

export function removePainting(at) {
  setRecipe({ paintings: now().recipe.paintings.filter((_, index) => index !== at) });
}

/** Where files go once the engine has them. */
const places = {
  photograph: ([first]) => choosePhotograph(first.id),
  painting([first, ...rest]) {
    choosePainting(first.id);
    places.another(rest);
  },
  another: (pictures) => pictures.forEach((picture) => addPainting(picture.id)),
};

/**
 * Takes files in, shows them at once from here and sends them to the engine.
 * @param {File[]} files of several photographs the first is taken; of several paintings the first takes the first's place
 * @param {'photograph'|'painting'|'another'} place
 * @returns {Promise<import('./engine.js').Picture[]>} those that the engine took
 */
export async function takeFiles(files, place) {
  const taken = place === 'photograph' ? files.slice(0, 1) : files;
  if (taken.length === 0) return [];
  const arriving = { place, name: taken[0].name, url: URL.createObjectURL(taken[0]) };
  const others = now().arriving.filter((other) => place === 'another' || other.place !== place);
  update({ arriving: [...others, arriving] });
  const upload = Promise.all(taken.map((file) => attempt(() => engine.addPicture(file, file.name))));
  const placed = upload.then((answers) => {
    const pictures = answers.filter((picture) => picture !== null);
    // What was chosen later for the same place counts, even if it came sooner.
    const isLast = now().arriving.includes(arriving);
    // An img may still be loading it.
    setTimeout(() => URL.revokeObjectURL(arriving.url), 60000);
    update({
      arriving: now().arriving.filter((other) => other !== arriving),
      pictures: new Map([...now().pictures, ...pictures.map((picture) => [picture.id, picture])]),
    });
    if (isLast && pictures.length > 0) places[place](pictures);
    return pictures;
  });
  uploads.add(placed);
  return placed.finally(() => uploads.delete(placed));
}

export function show(number) {
  update({ shown: number, looked: null, needStart: [] });
}

/** Opens a work: it is on the stage, and its recipe is what is set. */
export function open(work) {
  const { photograph, paintings, keep, options } = work;
  update({ recipe: { photograph, paintings, keep, options: { ...options } }, view: 'studio' });
  show(work.id);
}

/** Takes in a new work. Of one that is known the events tell, and an answer may be older than the last of them. */
function learn(work) {
  if (work !== null && !now().works.has(work.id)) update({ works: withWork(now().works, work) });
  return work;
}

export async function paint() {
  // Files that were chosen just before belong to it.
  while (uploads.size > 0) await Promise.all(uploads);
  const work = learn(await attempt(() => engine.begin(now().recipe)));
  if (work !== null) {
    update({ trouble: null });
    show(work.id);
  }
}

/** Ends a work and begins anew with what is set now. */
export async function startOver(work) {
  const stopped = isActive(work) ? await attempt(() => engine.stop(work.id)) : work;
  if (stopped !== null) await paint();
}

/** One of pause, resume, stop, further and larger. A size that cannot grow is offered as a new work. */
export async function command(verb, work, ...given) {
  try {
    return await engine[verb](work.id, ...given);
  } catch (error) {
    if (!(error instanceof engine.Refusal)) throw error;
    update({ trouble: error.message });
    if (error.conflict && verb === 'larger') {
      const [size] = given;
      setRecipe({ options: { ...now().recipe.options, size: String(size) } });
      update({ needStart: ['size'] });
    }
    return null;
  }
}

export async function removeWork(work) {
  const done = await attempt(() => engine.remove(work.id).then(() => true));
  if (done === null) return;
  update({ works: withWork(now().works, { ...work, deleted: true }), compared: now().compared.filter((id) => id !== work.id) });
  if (now().shown === work.id) show(null);
  toast(words.deleted(work.id), words.undo, () => putBack(work));
}

/** Undoes a deletion: what waited or was being painted goes on. */
async function putBack(work) {
  const restored = await restoreWork(work);
  if (restored?.state === 'stopped' && isActive(work)) await attempt(() => engine.resume(work.id));
}

export const restoreWork = (work) => attempt(() => engine.restore(work.id));

export async function forgetPicture(picture) {
  const done = await attempt(() => engine.removePicture(picture.id).then(() => true));
  if (done !== null) update({ pictures: without(now().pictures, picture.id) });
  return done !== null;
}

/** Sets options of the recipe, null for the default; a work on the way is told what it can follow. */
export function setOptions(changes) {
  const options = { ...now().recipe.options };
  for (const [name, value] of Object.entries(changes)) {
    if (value === null) delete options[name];
    else options[name] = value;
  }
  setRecipe({ options });
  const work = shownWork(now());
  if (work && isActive(work)) tellSettled();
}

/** Everything that differs from the work is told at once, not every step of a slider. */
const tellSettled = settled(async () => {
  const work = shownWork(now());
  if (!work || !isActive(work)) return;
  const { groups, recipe } = now();
  const names = new Set([...Object.keys(recipe.options), ...Object.keys(work.options)]);
  const live = {};
  const needStart = [];
  for (const name of names) {
    const option = optionOf(groups, name);
    const [wanted, has] = [recipe.options[name], work.options[name]].map((value) => value ?? option?.default ?? null);
    if (wanted === has) continue;
    // A default may be words about what it depends on.
    const isValue = recipe.options[name] !== undefined || (wanted !== null && Number.isFinite(Number(wanted)));
    if (option?.live && isValue) live[name] = wanted;
    else needStart.push(name);
  }
  update({ needStart });
  if (Object.keys(live).length === 0) return;
  try {
    await engine.change(work.id, live);
  } catch (error) {
    if (!(error instanceof engine.Refusal)) throw error;
    if (error.conflict) update({ needStart: [...needStart, ...Object.keys(live)] });
    else update({ trouble: error.message });
  }
}, 250);
