import type { PageConnection } from '../../connection/model';

/** ms after which a folder is looked at again. */
const AFTER = 5000;

/** Looks again and again, while somebody sees the page and the server knows who asks: without a login nothing is asked. The result ends it. */
export function again(connection: PageConnection, look: () => void): () => void {
  const timer = setInterval(() => document.hidden || connection.line.get().kind === 'login' || look(), AFTER);
  return () => clearInterval(timer);
}
