/** How it is painted: the few things that matter most, and presets. Everything else is in more.js. */
import { button, byId, el } from './dom.js';
import { setOptions } from './actions.js';
import { mountExtras } from './extras.js';
import { mountCommandLine, mountMore } from './more.js';
import { now, optionOf, watch } from './state.js';
import { SIZES } from './work.js';
import { words } from './words.js';

/** What the style weight is where the engine does not say. */
const STYLE_WEIGHT = 6;

/** Named sets of options. One is offered where the engine knows all that it sets. */
const PRESETS = [
  { name: 'bolder', options: { 'style-scale': '1.6' } },
  { name: 'finer', options: { 'style-scale': '0.5' } },
  { name: 'stronger', options: { 'content-weight': '0.4' } },
  { name: 'softer', options: { 'tv-weight': '2' } },
  { name: 'colours', options: { colors: 'photo' } },
  { name: 'lines', options: { edges: '1' } },
  { name: 'draft', options: { quality: 'draft' } },
  { name: 'fine', options: { quality: 'fine' } },
];

/** Options that have a place of their own, and none in "more". */
const AT_HAND = ['style-weight', 'size'];

export function mountTune() {
  const place = byId('tune');
  place.prepend(el('h2', { className: 'unseen' }, words.tune), styleWeight(), size(), presets(), mountMore(AT_HAND), ...mountExtras());
  mountCommandLine();
}

function styleWeight() {
  const slider = el('input', { type: 'range', id: 'style-weight', oninput: () => setOptions({ 'style-weight': slider.value }) });
  const value = el('span', { className: 'figure' });
  const fill = (usual, chosen) => {
    // A slider drops a value beyond its ends: they come first.
    Object.assign(slider, { min: 0, max: Math.max(usual * 5, Number(chosen) || 0), step: usual / 12 });
    slider.value = chosen ?? usual;
    value.textContent = String(Number(Number(slider.value).toPrecision(3)));
  };
  watch(
    (state) => [optionOf(state.groups, 'style-weight')?.default, state.recipe.options['style-weight']],
    (told, chosen) => fill(Number(told) > 0 ? Number(told) : STYLE_WEIGHT, chosen),
  );
  const ends = el(
    'div',
    { className: 'ends', 'aria-hidden': 'true' },
    el('span', {}, words.styleLess),
    el('span', {}, words.styleMore),
  );
  const label = el('label', { for: 'style-weight' }, words.styleWeight);
  return el('div', { className: 'setting' }, el('div', { className: 'top' }, label, value), slider, ends);
}

function size() {
  const select = el('select', { id: 'size', onchange: () => setOptions({ size: select.value === '' ? null : select.value }) });
  watch(
    (state) => [optionOf(state.groups, 'size')?.default, state.recipe.options.size, state.largest],
    (told, chosen, largest) => {
      const usual = Number(told) > 0 ? Number(told) : null;
      const offered = SIZES.filter((long) => long !== usual && long <= (largest ?? Infinity)).map(String);
      if (chosen !== undefined && !offered.includes(chosen)) offered.push(chosen);
      const named = (value) => (value === '0' ? words.sizeOwn : words.sizeUsual(value));
      const first = usual === null ? words.usual : `${words.sizeUsual(usual)} (${words.usual})`;
      select.replaceChildren(
        el('option', { value: '' }, first),
        ...offered.map((value) => el('option', { value }, named(value))),
      );
      select.value = chosen ?? '';
    },
  );
  return el('div', { className: 'setting side' }, el('label', { for: 'size' }, words.size), select);
}

function presets() {
  const list = el('div', { className: 'chips', role: 'group', 'aria-label': words.presets });
  const isOn = (preset, options) => Object.entries(preset.options).every(([name, value]) => options[name] === value);
  const toggle = (preset) => {
    const off = isOn(preset, now().recipe.options);
    setOptions(off ? Object.fromEntries(Object.keys(preset.options).map((name) => [name, null])) : preset.options);
  };
  const chips = PRESETS.map((preset) => button(words.presetNames[preset.name], () => toggle(preset), { className: 'chip' }));
  list.append(...chips);
  watch(
    (state) => [state.recipe.options, state.groups],
    (options, groups) => {
      PRESETS.forEach((preset, at) => {
        chips[at].hidden = !Object.keys(preset.options).every((name) => optionOf(groups, name));
        chips[at].setAttribute('aria-pressed', String(isOn(preset, options)));
      });
    },
  );
  return list;
}
