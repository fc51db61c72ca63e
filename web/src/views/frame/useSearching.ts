import { signal } from '../../ui/signals';
import { useSignal } from '../../ui/useSignal';
import type { Shown } from '../find/query';
import type { NotebookController } from '../notebook/controller';

const nowhere = signal<Shown>('closed');

/** Whether what was found in the notebook is in the panel. */
export function useSearching(notebook: NotebookController | null): boolean {
  return useSignal(notebook?.find.shown ?? nowhere) === 'panel';
}
