import { useCallback, useRef, useSyncExternalStore } from 'react';

/** What a component can watch. */
export interface Watchable<T> {
  get(): T;
  subscribe(fn: () => void): () => void;
}

/** The value of a signal; the component renders again when it changes. */
export function useSignal<T>(signal: Watchable<T>): T {
  return useSyncExternalStore(
    useCallback((fn) => signal.subscribe(fn), [signal]),
    () => signal.get(),
  );
}

/** A part of a signal's value; the component renders again only when that part is another one (Object.is, or `same`). */
export function useSelected<T, P>(signal: Watchable<T>, select: (value: T) => P, same: (a: P, b: P) => boolean = Object.is): P {
  const last = useRef<{ value: P } | null>(null);
  const get = () => {
    const value = select(signal.get());
    if (last.current && same(last.current.value, value)) return last.current.value;
    last.current = { value };
    return value;
  };
  return useSyncExternalStore(
    useCallback((fn) => signal.subscribe(fn), [signal]),
    get,
  );
}
