/** Everything that can be set, as the engine describes it, and the command line that does the same. */
import { button, byId, el } from './dom.js';
import { setOptions } from './actions.js';
import { shownWork, watch } from './state.js';
import { toast } from './toast.js';
import { words } from './words.js';

const title = (name) => name.replaceAll('-', ' ');

/** @param {string[]} elsewhere names of options that have a place of their own */
export function mountMore(elsewhere) {
  const summary = el('summary', {}, words.more);
  const reset = button(words.reset, () => setOptions(Object.fromEntries([...controls.keys()].map((name) => [name, null]))));
  const groups = el('div');
  const details = el('details', { className: 'more' }, summary, groups, reset);
  /** By the option's name, a function that shows what is chosen. */
  const controls = new Map();
  watch(
    (state) => [state.groups],
    (told) => {
      controls.clear();
      const shown = told.map((group) => ({
        ...group,
        options: group.options.filter((option) => !elsewhere.includes(option.name)),
      }));
      groups.replaceChildren(...shown.filter((group) => group.options.length > 0).map((group) => groupOf(group, controls)));
    },
  );
  watch(
    (state) => [state.recipe.options, state.groups],
    (chosen) => {
      for (const [name, fill] of controls) fill(chosen[name] ?? null);
      const changed = Object.keys(chosen).filter((name) => controls.has(name)).length;
      summary.textContent = changed > 0 ? words.moreChanged(changed) : words.more;
      reset.hidden = changed === 0;
    },
  );
  return details;
}

function groupOf(group, controls) {
  return el('div', { className: 'group' }, el('h3', {}, group.name), ...group.options.map((option) => row(option, controls)));
}

function row(option, controls) {
  const id = `option-${option.name}`;
  const { control, fill } = build[option.kind](option, { id, 'aria-describedby': `${id}-help` });
  controls.set(option.name, fill);
  const help = [option.help, option.default === null ? null : words.usually(option.default), option.live ? words.live : null];
  const label = el('label', { for: id }, title(option.name));
  const text = el('p', { id: `${id}-help`, className: 'help' }, help.filter(Boolean).join(' · '));
  return el('div', { className: `option ${option.kind}` }, label, control, text);
}

/** A control for each kind of option: the element, and a function that shows a value, null for the default. */
const build = {
  number: (option, properties) => typed(option, { ...properties, inputMode: 'decimal' }),
  integer: (option, properties) => typed(option, { ...properties, inputMode: 'numeric' }),
  text: typed,
  choice(option, properties) {
    const change = () => setOptions({ [option.name]: control.value === '' ? null : control.value });
    const named = ({ name, help }) => el('option', { value: name }, help ? `${name}: ${help}` : name);
    const control = el(
      'select',
      { ...properties, onchange: change },
      el('option', { value: '' }, words.usual),
      ...option.values.map(named),
    );
    return { control, fill: (value) => (control.value = value ?? '') };
  },
  flag(option, properties) {
    const change = () => setOptions({ [option.name]: control.checked ? 'true' : null });
    const control = el('input', { type: 'checkbox', ...properties, onchange: change });
    return { control, fill: (value) => (control.checked = value === 'true') };
  },
};

function typed(option, properties) {
  const change = () => setOptions({ [option.name]: control.value.trim() || null });
  const control = el('input', {
    type: 'text',
    ...properties,
    placeholder: option.default ?? '',
    autocomplete: 'off',
    spellcheck: false,
    onchange: change,
  });
  return { control, fill: (value) => (control.value = value ?? '') };
}

/** The command line that does the same as the work on the stage. */
export function mountCommandLine() {
  const code = el('code');
  const copy = button(words.copy, async () => {
    // Without a secure connection there is no clipboard: what is selected can still be copied by hand.
    if (!navigator.clipboard) return getSelection().selectAllChildren(code);
    await navigator.clipboard.writeText(code.textContent);
    toast(words.copied);
  });
  const box = el('pre', { tabIndex: 0, role: 'region', 'aria-label': words.command }, code);
  const place = byId('command-line');
  place.append(el('details', {}, el('summary', {}, words.command), el('div', { className: 'copied' }, box, copy)));
  watch(
    (state) => [shownWork(state)?.command],
    (line) => {
      place.hidden = !line;
      code.textContent = line ?? '';
    },
  );
}
