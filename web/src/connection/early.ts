/** A shared worker that was asked for, and whether the browser could start it. */
export interface EarlyWorker {
  readonly worker: SharedWorker;
  failed: boolean;
}

/**
 * Asks for the worker that holds the line of all pages. A module of its own, so that the worker starts while the rest of the page's
 * script is still being read. Null where there are no shared workers.
 */
export function startWorker(): EarlyWorker | null {
  if (typeof SharedWorker === 'undefined') return null;
  try {
    const early: EarlyWorker = { worker: new SharedWorker(new URL('./worker.ts', import.meta.url), { type: 'module', name: 'runnel' }), failed: false };
    early.worker.addEventListener('error', () => {
      early.failed = true;
    });
    return early;
  } catch {
    return null;
  }
}
