import { lazy, Suspense, type ComponentType } from 'react';
import { fetched } from '../ui/fetched';

/** Fetches the views that nobody needs at first. */
export const loadLater = fetched(() => import('./later'));

/** Has them fetched before they are wanted, once: if they do not come, they are asked for again when they are. */
export function fetchAhead(): void {
  import('./later').catch(() => {});
}

/** Shows nothing until its code is there. */
function waiting<P extends object>(pick: (views: typeof import('./later')) => ComponentType<P>): ComponentType<P> {
  const View = lazy(async () => ({ default: pick(await loadLater()) }));
  return function Waiting(props: P) {
    return (
      <Suspense fallback={null}>
        <View {...props} />
      </Suspense>
    );
  };
}

export const PackagesPanel = waiting((views) => views.PackagesPanel);
export const SettingsDialog = waiting((views) => views.SettingsDialog);
export const TextFile = waiting((views) => views.TextFile);
