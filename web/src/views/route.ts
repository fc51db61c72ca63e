/** Where the person is, as the address says it. */
import { isNotebook } from '../ui/words';

export type Route = { readonly kind: 'home'; readonly folder: string } | { readonly kind: 'notebook'; readonly path: string } | { readonly kind: 'file'; readonly path: string };

export function readRoute(search: string): Route {
  const query = new URLSearchParams(search);
  const notebook = query.get('notebook');
  if (notebook) return { kind: 'notebook', path: notebook };
  const file = query.get('file');
  if (file) return { kind: 'file', path: file };
  return { kind: 'home', folder: query.get('folder') ?? '' };
}

const plain = (path: string) => encodeURIComponent(path).replaceAll('%2F', '/');

export function routeUrl(route: Route): string {
  if (route.kind === 'notebook') return `/?notebook=${plain(route.path)}`;
  if (route.kind === 'file') return `/?file=${plain(route.path)}`;
  return route.folder ? `/?folder=${plain(route.folder)}` : '/';
}

/** A path opens as a notebook or as a file, by its name. */
export function routeOf(path: string): Route {
  return isNotebook(path) ? { kind: 'notebook', path } : { kind: 'file', path };
}
