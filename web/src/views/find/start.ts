/** One finder for each notebook, made when it is first asked for. */
import type { NotebookController } from '../notebook/controller';
import { Finder } from './finder';
import { Seeker, type Port } from './seeker';
import type { Answer } from './work';

const finders = new WeakMap<NotebookController, Finder>();

export function finderOf(notebook: NotebookController): Finder {
  let finder = finders.get(notebook);
  if (!finder) finders.set(notebook, (finder = new Finder(notebook, new Seeker(startWorker, () => performance.now()))));
  return finder;
}

function startWorker(): Port {
  const worker = new Worker(new URL('./workerEntry.ts', import.meta.url), { type: 'module' });
  const port: Port = { postMessage: (question) => worker.postMessage(question), terminate: () => worker.terminate(), onmessage: null, onerror: null };
  worker.onmessage = (e: MessageEvent<Answer | 'ready'>) => port.onmessage?.(e);
  worker.onerror = () => port.onerror?.();
  return port;
}
