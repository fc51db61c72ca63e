/** Which panel is open beside the rail. What was found, and the packages, stand before the files or the outline, which come back after them. */
import { signal } from '../../ui/signals';
import { useSignal } from '../../ui/useSignal';
import type { Shown } from '../find/query';
import type { NotebookController } from '../notebook/controller';
import type { Settings } from '../settings';

export type Panel = 'files' | 'outline' | 'search' | 'packages';

const nowhere = signal<Shown>('closed');

export function usePanel(settings: Settings, notebook: NotebookController | null): Panel | 'closed' {
  useSignal(notebook?.find.shown ?? nowhere);
  useSignal(settings.packages);
  useSignal(settings.rail);
  return panelNow(settings, notebook);
}

function panelNow(settings: Settings, notebook: NotebookController | null): Panel | 'closed' {
  if (notebook?.find.shown.get() === 'panel') return 'search';
  if (notebook && settings.packages.get()) return 'packages';
  const rail = settings.rail.get();
  return rail === 'outline' && !notebook ? 'closed' : rail;
}

export function togglePanel(which: Panel, settings: Settings, notebook: NotebookController | null): void {
  const now = panelNow(settings, notebook);
  if (which === 'search' && now !== 'search') return notebook?.lookFor('find', 'panel');
  if (now === 'search') notebook?.find.close();
  if (which === 'search') return;
  settings.packages.set(which === 'packages' && now !== 'packages');
  if (which !== 'packages') settings.rail.set(now === which ? 'closed' : which);
}
