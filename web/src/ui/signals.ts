/** The page's own small values that components watch. The notebook's are in notebook/signal.ts; both fit useSignal. */

export interface WritableSignal<T> {
  get(): T;
  set(value: T): void;
  subscribe(fn: () => void): () => void;
}

export function signal<T>(initial: T): WritableSignal<T> {
  let value = initial;
  const watchers = new Set<() => void>();
  return {
    get: () => value,
    set(next) {
      if (Object.is(value, next)) return;
      value = next;
      for (const fn of Array.from(watchers)) fn();
    },
    subscribe(fn) {
      const own = () => fn();
      watchers.add(own);
      return () => void watchers.delete(own);
    },
  };
}
