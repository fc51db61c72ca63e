import { createRoot } from 'react-dom/client';
import type { Connection } from '../connection';
import { createFilesApi } from '../views/files/api';
import { App } from './App';

/** Mounts the page. */
export function start(connection: Connection): void {
  const root = document.getElementById('root');
  if (root) createRoot(root).render(<App connection={connection} files={createFilesApi()} />);
}
