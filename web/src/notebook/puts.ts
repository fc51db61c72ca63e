import type { Cell, CellId, Event, OutputId } from '../protocol/types';
import { fits, joinPuts, textOf, type Put } from './text';

/** How texts grew in a batch of events, for those who follow them. A text that did not simply grow is not in it: it begins anew. */
export class Puts {
  readonly #byCell = new Map<CellId, Map<OutputId, Put | null>>();
  readonly #before: (id: CellId) => Cell | undefined;

  /** `before` is the cells as the batch finds them. */
  constructor(before: (id: CellId) => Cell | undefined) {
    this.#before = before;
  }

  see(e: Event): void {
    if (e.type === 'output_set') return this.#set(e.cell_id, e.output.id, null);
    if (e.type !== 'text_put') return;
    const last = this.#byCell.get(e.cell_id)?.get(e.output_id);
    const text = last === null ? undefined : textOf(this.#before(e.cell_id)?.outputs ?? [], e.output_id);
    if (!text) return this.#set(e.cell_id, e.output_id, null);
    if (last) this.#set(e.cell_id, e.output_id, joinPuts(text, last, e));
    else if (fits(text, e)) this.#set(e.cell_id, e.output_id, e);
  }

  of(cell: CellId): ReadonlyMap<OutputId, Put | null> | undefined {
    return this.#byCell.get(cell);
  }

  #set(cell: CellId, output: OutputId, put: Put | null): void {
    let puts = this.#byCell.get(cell);
    if (!puts) this.#byCell.set(cell, (puts = new Map()));
    puts.set(output, put);
  }
}
