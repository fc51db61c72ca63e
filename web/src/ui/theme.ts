import { kept } from './local';

export type Theme = 'system' | 'light' | 'dark';

/** The person's choice; `system` follows the system's. */
export const theme = kept<Theme>('theme', ['system', 'light', 'dark']);

const dark = typeof matchMedia === 'function' ? matchMedia('(prefers-color-scheme: dark)') : null;

/** What is shown now. */
export function shownTheme(): 'light' | 'dark' {
  const chosen = theme.get();
  return chosen === 'system' ? (dark?.matches ? 'dark' : 'light') : chosen;
}

/** Calls fn after each change of what is shown. */
export function onTheme(fn: () => void): () => void {
  const off = theme.subscribe(fn);
  dark?.addEventListener('change', fn);
  return () => {
    off();
    dark?.removeEventListener('change', fn);
  };
}

/** Puts the choice on the root element, now and after each change. */
export function applyTheme(root: HTMLElement): void {
  const put = () => {
    const chosen = theme.get();
    if (chosen === 'system') delete root.dataset.theme;
    else root.dataset.theme = chosen;
  };
  put();
  theme.subscribe(put);
}

export function toggleTheme(): void {
  theme.set(shownTheme() === 'dark' ? 'light' : 'dark');
}
