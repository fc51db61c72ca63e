import { fetched } from '../ui/fetched';

/** Fetches the views that nobody needs at first. */
export const loadLater = fetched(() => import('./later'));
