/** A value that can be watched. The smallest thing useSyncExternalStore needs; no React here. */
export interface Signal<T> {
  get(): T;
  /** Calls fn after each change, until the returned function is called. */
  subscribe(fn: () => void): () => void;
}

/** A signal and the right to change it. */
export interface WritableSignal<T> extends Signal<T> {
  /** Tells the subscribers when the value is another one (Object.is, or `same`). */
  set(value: T): void;
}

export function signal<T>(initial: T, same: (a: T, b: T) => boolean = Object.is): WritableSignal<T> {
  let value = initial;
  const subscribers = new Set<() => void>();
  return {
    get: () => value,
    set(next) {
      if (same(value, next)) return;
      value = next;
      for (const fn of [...subscribers]) fn();
    },
    subscribe(fn) {
      const own = () => fn();
      subscribers.add(own);
      return () => void subscribers.delete(own);
    },
  };
}

/** For lists: equal when each element is the same one. */
export function sameList<T>(a: readonly T[], b: readonly T[]): boolean {
  return a === b || (a.length === b.length && a.every((x, i) => Object.is(x, b[i])));
}
