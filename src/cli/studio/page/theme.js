/** Dark or light: as the system has it, until a person chooses. */
import { byId } from './dom.js';
import { words } from './words.js';

const KEY = 'impasto-theme';
const system = matchMedia('(prefers-color-scheme: dark)');

// Where the browser keeps nothing for this page, the choice is good until it is closed.
const kept = {
  read() {
    try {
      return localStorage.getItem(KEY);
    } catch {
      return null;
    }
  },
  write(theme) {
    try {
      localStorage.setItem(KEY, theme);
    } catch {
      // See above.
    }
  },
};

export function mountTheme() {
  const root = document.documentElement;
  const toggle = byId('theme');
  const isDark = () => (root.dataset.theme ?? (system.matches ? 'dark' : 'light')) === 'dark';
  const name = () => (toggle.textContent = isDark() ? words.toLight : words.toDark);
  const chosen = kept.read();
  if (chosen === 'dark' || chosen === 'light') root.dataset.theme = chosen;
  name();
  system.addEventListener('change', name);
  toggle.addEventListener('click', () => {
    root.dataset.theme = isDark() ? 'light' : 'dark';
    kept.write(root.dataset.theme);
    name();
  });
}
