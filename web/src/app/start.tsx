import { createRoot } from 'react-dom/client';
import { createConnection } from '../connection';
import type { EarlyWorker } from '../connection/early';
import { createFilesApi } from '../views/files/api';
import { App } from './App';

/** Puts the page into its root, over the line that the worker holds. */
export function start(root: HTMLElement, worker: EarlyWorker | null): void {
  const connection = createConnection(worker);
  connection.connect();
  createRoot(root).render(<App connection={connection} files={createFilesApi()} />);
}
