/** Sections are headings with the cells under them: which are folded, and what that hides. */
import type { NotebookStore } from '../../notebook/store';
import type { CellId } from '../../protocol/types';
import { signal } from '../../ui/signals';
import { foldedCells, headingLevel } from './headings';
import { changed } from './sets';

export class Sections {
  /** Headings whose section is folded. */
  readonly folded = signal<ReadonlySet<CellId>>(new Set());
  /** Cells inside a folded section. */
  readonly hidden = signal<ReadonlySet<CellId>>(new Set());
  readonly #store: NotebookStore;

  constructor(store: NotebookStore) {
    this.#store = store;
  }

  /** 1 to 6 when the cell is a heading, else 0. */
  level(id: CellId): number {
    const cell = this.#store.cell(id);
    return cell?.type.get() === 'markdown' ? headingLevel(cell.doc.text) : 0;
  }

  visible(): readonly CellId[] {
    const hidden = this.hidden.get();
    return hidden.size === 0 ? this.#cells() : this.#cells().filter((id) => !hidden.has(id));
  }

  /** The heading that the cell is under; for a heading, the nearest of a higher rank. */
  above(id: CellId): CellId | undefined {
    const own = this.level(id);
    return this.#cells().slice(0, this.#cells().indexOf(id)).findLast((other) => {
      const level = this.level(other);
      return level > 0 && (own === 0 || level < own);
    });
  }

  /** The next heading that is shown. */
  below(id: CellId): CellId | undefined {
    const shown = this.visible();
    return shown.slice(shown.indexOf(id) + 1).find((other) => this.level(other) > 0);
  }

  setFolded(id: CellId, on: boolean): void {
    this.folded.set(changed(this.folded.get(), id, on));
    this.update();
  }

  foldAll(on: boolean): void {
    this.folded.set(new Set(on ? this.#cells().filter((id) => this.level(id) > 0) : []));
    this.update();
  }

  /** Unfolds what hides a cell. */
  reveal(id: CellId): void {
    if (!this.hidden.get().has(id)) return;
    const above = new Set(this.#cells().slice(0, this.#cells().indexOf(id)));
    this.folded.set(new Set([...this.folded.get()].filter((heading) => !above.has(heading))));
    this.update();
  }

  /** Cells came, went or moved. */
  update(): void {
    const folded = this.folded.get();
    if (folded.size === 0 && this.hidden.get().size === 0) return;
    this.hidden.set(foldedCells(this.#cells(), folded, (id) => this.level(id)));
  }

  #cells(): readonly CellId[] {
    return this.#store.cellIds.get();
  }
}
