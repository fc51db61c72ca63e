/** What was run before in the kernel, to be stepped through in a cell. */
import type { CellStore, NotebookStore } from '../../notebook/store';
import type { CellId } from '../../protocol/types';

export class InputHistory {
  readonly #store: Pick<NotebookStore, 'history'>;
  #entries: readonly string[] = [];
  #at = 0;
  #cell: CellId | null = null;
  /** What the person had typed, and what is shown in its place now. */
  #typed = '';
  #shown = '';

  constructor(store: Pick<NotebookStore, 'history'>) {
    this.#store = store;
  }

  /** The text for the cell one step back (-1) or on; null at either end. Asks the kernel anew when the person has typed since. */
  async step(cell: Pick<CellStore, 'id' | 'doc'>, by: 1 | -1): Promise<string | null> {
    if (cell.id !== this.#cell || cell.doc.text !== this.#shown) await this.#begin(cell);
    const to = this.#at + by;
    if (to < 0 || to > this.#entries.length) return null;
    this.#at = to;
    this.#shown = this.#entries[to] ?? this.#typed;
    return this.#shown;
  }

  async #begin(cell: Pick<CellStore, 'id' | 'doc'>): Promise<void> {
    const entries = await this.#store.history(new AbortController().signal);
    this.#typed = this.#shown = cell.doc.text;
    this.#cell = cell.id;
    // The same thing run again and again is one step.
    this.#entries = entries.filter((text, i) => text !== entries[i + 1] && text.trim() !== '');
    if (this.#entries.at(-1) === this.#typed) this.#entries = this.#entries.slice(0, -1);
    this.#at = this.#entries.length;
  }
}
