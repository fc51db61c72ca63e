import type { Readiness } from './model';
import type { Signal } from './signal';

/** Resolves when there is something to show of a notebook, or after so many ms without it. */
export function begun({ ready }: { readonly ready: Signal<Readiness> }, within: number): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      stop();
      clearTimeout(timer);
      resolve();
    };
    const stop = ready.subscribe(done);
    const timer = setTimeout(done, within);
    if (ready.get().kind !== 'loading') done();
  });
}
