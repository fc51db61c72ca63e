/** What is looked for, and what was found, as cells show it. What finds it is fetched with the first search. */
import type { CellId, OutputId } from '../../protocol/types';
import { signal } from '../../ui/signals';
import type { Mode } from '../notebook/cursor';

export interface Query {
  readonly text: string;
  readonly cased: boolean;
  /** Whole words only. */
  readonly whole: boolean;
  readonly regexp: boolean;
  /** In what cells have put out, too. */
  readonly outputs: boolean;
}

export interface Match {
  readonly from: number;
  readonly to: number;
}

/** One match of a text, with some of its line around it. */
export interface Hit extends Match {
  /** From 0. */
  readonly line: number;
  readonly words: string;
  /** Where in `words` the match begins, and how much of it is in them. */
  readonly at: number;
  readonly length: number;
  /** There is more of the line before `words`. */
  readonly cut: boolean;
}

/** A hit in the notebook. */
export interface Place extends Hit {
  readonly cell: CellId;
  /** The output that it is in; null: the source. */
  readonly output: OutputId | null;
  /** Which of the hits in that text it is, and how many those are. */
  readonly nth: number;
  readonly of: number;
}

export interface Found {
  readonly places: readonly Place[];
  /** The index of the current one; -1: none. */
  readonly at: number;
  /** Why nothing can be looked for, or why not all was looked through. */
  readonly wrong: string;
  /** There are more than those. */
  readonly more: boolean;
  /** It is looked through still. */
  readonly busy: boolean;
  /** So many outputs are too large to be on the page: they were not looked through. */
  readonly unread: number;
}

/** What of it is in one cell's source. */
export interface CellMatches {
  readonly matches: readonly Match[];
  readonly current: Match | null;
}

export const NOTHING: Found = { places: [], at: -1, wrong: '', more: false, busy: false, unread: 0 };
const NONE: CellMatches = { matches: [], current: null };

/** As a bar over the cells, or with all that was found in the panel. */
export type Shown = 'closed' | 'bar' | 'panel';

/** What the finder does for the commands of the notebook. */
interface Engine {
  next(by: 1 | -1): void;
}

export class Find {
  readonly shown = signal<Shown>('closed');
  readonly replacing = signal(false);
  readonly query = signal<Query>({ text: '', cased: false, whole: false, regexp: false, outputs: true });
  readonly found = signal(NOTHING);
  /** Another number, above 0, when the field is to have the keyboard. */
  readonly asked = signal(0);
  /** Something was typed before all of the view was there. */
  early = false;
  /** The mode that the keyboard goes back to. */
  mode: Mode = 'command';
  engine: Engine | null = null;
  #byCell: ReadonlyMap<CellId, CellMatches> = new Map();

  /** Opens it, in the panel or where it is already; what is selected in the editor is what is looked for. */
  open(how: 'find' | 'replace', where: Shown, mode: Mode, selected = ''): void {
    const shown = this.shown.get();
    if (shown === 'closed') this.mode = mode;
    if (selected !== '' && !selected.includes('\n')) this.query.set({ ...this.query.get(), text: selected, regexp: false });
    this.replacing.set(how === 'replace');
    this.shown.set(shown === 'panel' ? shown : where);
    this.asked.set(this.asked.get() + 1);
  }

  close(): void {
    this.shown.set('closed');
  }

  get current(): Place | undefined {
    const { places, at } = this.found.get();
    return places[at];
  }

  of(cell: CellId): CellMatches {
    return this.#byCell.get(cell) ?? NONE;
  }

  put(found: Found): void {
    const current = found.places[found.at] ?? null;
    const byCell = new Map<CellId, { matches: Match[]; current: Match | null }>();
    for (const place of found.places) {
      if (place.output !== null) continue;
      let own = byCell.get(place.cell);
      if (!own) byCell.set(place.cell, (own = { matches: [], current: null }));
      own.matches.push(place);
      if (place === current) own.current = place;
    }
    this.#byCell = byCell;
    this.found.set(found);
  }
}
