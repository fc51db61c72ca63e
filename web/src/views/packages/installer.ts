/** The installation of a notebook: it goes on when the panel is closed. */
import { signal } from '../../ui/signals';
import type { Kernel } from '../../protocol/types';
import type { NotebookController } from '../notebook/controller';
import { install, Refused } from './api';

export type Installation =
  | { readonly kind: 'none' }
  | { readonly kind: 'runs'; readonly what: string; readonly line: string }
  | { readonly kind: 'failed'; readonly why: string }
  /** `kernel`: the one that ran then; it knows nothing of it where it has imported before. */
  | { readonly kind: 'done'; readonly what: string; readonly kernel: string };

const installers = new WeakMap<NotebookController, Installer>();

export function installerOf(notebook: NotebookController): Installer {
  let installer = installers.get(notebook);
  if (!installer) installers.set(notebook, (installer = new Installer(notebook.store)));
  return installer;
}

class Installer {
  readonly state = signal<Installation>({ kind: 'none' });
  readonly #store: NotebookController['store'];
  #abort = new AbortController();

  constructor(store: NotebookController['store']) {
    this.#store = store;
  }

  async install(what: string): Promise<void> {
    if (this.state.get().kind === 'runs') return;
    this.#abort = new AbortController();
    const { signal: aborted } = this.#abort;
    this.state.set({ kind: 'runs', what, line: 'Asking the server' });
    try {
      await install(this.#store.path, what, (line) => this.state.set({ kind: 'runs', what, line }), aborted);
      this.state.set({ kind: 'done', what, kernel: startOf(this.#store.kernel.get()) });
    } catch (problem) {
      const why = aborted.aborted ? 'Cancelled.' : problem instanceof Refused ? problem.message : 'The line to the server broke. The list shows what is there now.';
      this.state.set({ kind: 'failed', why });
    }
  }

  cancel(): void {
    this.#abort.abort();
  }
}

/** Another one for each start of a kernel. */
export const startOf = (kernel: Kernel): string => `${kernel.id} ${kernel.started_at ?? 0}`;
