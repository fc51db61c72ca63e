import { fetched } from '../ui/fetched';

/** Fetches the views that nobody needs at first. */
export const loadLater = fetched(() => import('./later'));

/** Has them fetched before they are wanted, once: if they do not come, they are asked for again when they are. */
export function fetchAhead(): void {
  import('./later').catch(() => {});
}
