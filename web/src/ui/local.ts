/** Small values kept by the browser. Storage may be forbidden or full: then they last as long as the page. */
import { signal, type WritableSignal } from './signals';

function read(store: () => Storage, key: string): string | null {
  try {
    return store().getItem(key);
  } catch {
    return null;
  }
}

function write(store: () => Storage, key: string, value: string | null): void {
  try {
    if (value === null) store().removeItem(key);
    else store().setItem(key, value);
  } catch {
    // Forbidden or full.
  }
}

/** A choice that lasts over visits. Unknown stored values become the first option. */
export function kept<T extends string>(key: string, options: readonly [T, ...T[]]): WritableSignal<T> {
  const stored = read(() => localStorage, `runnel.${key}`);
  const value = signal<T>(options.find((o) => o === stored) ?? options[0]);
  value.subscribe(() => write(() => localStorage, `runnel.${key}`, value.get()));
  return value;
}

/** Text that outlives a reload of this tab only. */
export const tabText = {
  get: (key: string): string => read(() => sessionStorage, `runnel.${key}`) ?? '',
  set: (key: string, value: string): void => write(() => sessionStorage, `runnel.${key}`, value === '' ? null : value),
};

/** The height that something had last, so that it does not jump when it comes back. */
export const heights = {
  get(key: string): number {
    const n = Number(read(() => sessionStorage, `runnel.h.${key}`));
    return Number.isFinite(n) ? n : 0;
  },
  set(key: string, px: number): void {
    write(() => sessionStorage, `runnel.h.${key}`, String(Math.round(px)));
  },
};
