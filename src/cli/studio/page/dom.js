/** Small helpers to build and replace elements. */

/** @returns {any} the element with this id, which index.html has */
export const byId = (id) => document.getElementById(id);

/**
 * An element. Properties whose name holds a dash, `role` and `for` are attributes, those that begin with `on` are listeners,
 * others are properties; what is null is left out. Children are elements or text.
 */
export function el(name, properties = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (value === null || value === undefined) continue;
    if (key.startsWith('on')) element.addEventListener(key.slice(2), value);
    else if (key.includes('-') || key === 'role' || key === 'for') element.setAttribute(key, value);
    else element[key] = value;
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

export const button = (text, onclick, properties = {}) => el('button', { type: 'button', onclick, ...properties }, text);

/**
 * Replaces the children of a parent, and leaves the focus on the element with the same `data-key` where the focused one
 * goes.
 */
export function refill(parent, ...children) {
  const key = parent.contains(document.activeElement) ? document.activeElement.dataset.key : undefined;
  parent.replaceChildren(...children.filter((child) => child !== null));
  if (key !== undefined) parent.querySelector(`[data-key="${CSS.escape(key)}"]`)?.focus();
}

/** Makes these the children of a parent. Those that are in their place stay untouched, and keep focus and pictures. */
export function arrange(parent, children) {
  for (const child of [...parent.children]) if (!children.includes(child)) child.remove();
  children.forEach((child, at) => {
    if (parent.children[at] !== child) parent.insertBefore(child, parent.children[at] ?? null);
  });
}

/** Calls a function once nothing more came for so many milliseconds. */
export function settled(act, milliseconds) {
  let timer;
  return (...given) => {
    clearTimeout(timer);
    timer = setTimeout(() => act(...given), milliseconds);
  };
}
