/** What follows from how far a work is, as pure functions: which picture shows it, what it can become, how it is told. */
import { pictureOf, resultOf } from './engine.js';
import { isActive, queue } from './state.js';
import { words } from './words.js';

/** Long sides that a picture grows through, in pixels. */
export const SIZES = [256, 384, 512, 768, 1024, 1536, 2048, 3072, 4096, 6144, 8192];

/** Long sides larger than the work's that fit into the memory. */
export function largerSizes(work, largest) {
  const long = Math.max(work.width ?? 0, work.height ?? 0);
  return long === 0 ? [] : SIZES.filter((size) => size > long && size <= (largest ?? Infinity));
}

/** The address of what is shown of a work: the picture that is looked at, the result, or the latest on the way. */
export function pictureShown(work, looked = null) {
  if (looked !== null) return pictureOf(work.id, looked);
  if (work.result && !isActive(work)) return resultOf(work);
  return work.picture > 0 ? pictureOf(work.id, work.picture) : null;
}

function duration(seconds) {
  if (seconds < 90) return words.seconds(Math.max(1, Math.round(seconds)));
  return seconds < 5400 ? words.minutes(Math.round(seconds / 60)) : words.hours((seconds / 3600).toFixed(1));
}

/** What a work is at, in one sentence. @param {import('./engine.js').Work} work */
export function described(work, works) {
  const size = work.width && work.height ? words.ofSize(work.width, work.height) : '';
  const parts = [
    work.scale && words.scale(work.scale),
    work.iterations > 0 && words.iteration(work.iteration, work.iterations),
    work.state === 'paused' && words.paused,
    work.state === 'painting' && work.left !== null && words.left(duration(work.left)),
  ];
  const underway = `${parts.filter(Boolean).join(', ')}.`;
  const sentences = {
    waiting: () => words.waiting(queue(works).findIndex((other) => other.id === work.id)),
    preparing: () => words.preparing,
    painting: () => (work.scale ? underway : words.preparing),
    paused: () => underway,
    done: () => words.done(size),
    stopped: () => words.stopped(size),
    failed: () => words.failed,
  };
  return [sentences[work.state](), work.message].filter(Boolean).join(' ');
}

/** Share of the scales that is done, from 0 to 1. */
export function share(work) {
  if (work.state === 'done') return 1;
  if (!work.scale) return 0;
  const within = work.iterations > 0 ? Math.min(work.iteration / work.iterations, 1) : 0;
  return (work.scale.number - 1 + within) / work.scale.count;
}
