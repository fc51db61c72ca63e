import type { CellId, Event, OutputId } from '../protocol/types';
import { joinPuts, type Put } from './text';

/** How texts grew in a batch of events, for those who follow them. A text that did not simply grow is not in it: it begins anew. */
export class Puts {
  readonly #byCell = new Map<CellId, Map<OutputId, Put | null>>();

  see(e: Event): void {
    if (e.type === 'output_set') return this.#set(e.cell_id, e.output.id, null);
    if (e.type !== 'text_put') return;
    const before = this.#byCell.get(e.cell_id)?.get(e.output_id);
    if (before === null) return;
    this.#set(e.cell_id, e.output_id, before ? joinPuts(before, e) : e);
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
