/** Finding and replacing over all cells of a notebook. */
import type { CellStore, NotebookStore } from '../../notebook/store';
import type { CellId } from '../../protocol/types';
import { signal } from '../../ui/signals';
import type { Cursor, Mode } from '../notebook/cursor';
import type { Step } from '../notebook/undo';
import { matchesIn, patternOf, replaced, type Match, type Query } from './matches';

/** A match in the notebook. */
export interface Place extends Match {
  readonly cell: CellId;
}

export interface Found {
  readonly places: readonly Place[];
  /** The index of the current one; -1: none. */
  readonly at: number;
  /** Why nothing can be looked for. */
  readonly wrong: string;
}

/** What of it is in one cell. */
export interface CellMatches {
  readonly matches: readonly Match[];
  readonly current: Match | null;
}

const NOTHING: Found = { places: [], at: -1, wrong: '' };
const NONE: CellMatches = { matches: [], current: null };

/** While it is open it looks again whenever a cell's text changes, here or elsewhere. */
export class Finder {
  readonly shown = signal<'closed' | 'find' | 'replace'>('closed');
  readonly query = signal<Query>({ text: '', cased: false, regexp: false });
  readonly found = signal<Found>(NOTHING);
  readonly #store: NotebookStore;
  readonly #cursor: Cursor;
  readonly #did: (text: string, step: Step) => void;
  #byCell: ReadonlyMap<CellId, CellMatches> = new Map();
  #stops: (() => void)[] = [];
  #stopCells = () => {};
  #due = false;
  #mode: Mode = 'command';
  /** Text that was made source to show a match in it. */
  readonly #openedHere = new Set<CellId>();

  /** `did` is told what was replaced, and how to take it back. */
  constructor(store: NotebookStore, cursor: Cursor, did: (text: string, step: Step) => void) {
    this.#store = store;
    this.#cursor = cursor;
    this.#did = did;
  }

  /** Opens the panel; what is selected in the editor is what is looked for. */
  open(how: 'find' | 'replace', selected = ''): void {
    if (this.shown.get() === 'closed') {
      this.#mode = this.#cursor.mode.get();
      this.#stopCells = this.#store.cellIds.subscribe(() => this.#watch());
      this.#watch();
    }
    this.shown.set(how);
    if (selected !== '' && !selected.includes('\n')) this.query.set({ ...this.query.get(), text: selected, regexp: false });
    this.#look();
  }

  /** Closes it, and puts the keyboard back: on the match when the person was writing, else on its cell. */
  close(): void {
    if (this.shown.get() === 'closed') return;
    const place = this.#current();
    this.shown.set('closed');
    this.#stopCells();
    for (const stop of this.#stops.splice(0)) stop();
    this.#put(NOTHING);
    this.#closeTexts(this.#mode === 'edit' ? place?.cell : undefined);
    const id = place?.cell ?? this.#cursor.active;
    if (id !== null) this.#cursor.focus(id, this.#mode);
  }

  set(query: Query): void {
    this.query.set(query);
    this.#look();
    this.#show();
  }

  of(cell: CellId): CellMatches {
    return this.#byCell.get(cell) ?? NONE;
  }

  next(by: 1 | -1): void {
    const { places, at } = this.found.get();
    if (places.length === 0) return;
    this.#put({ ...this.found.get(), at: (at + by + places.length) % places.length });
    this.#show();
  }

  /** Replaces the current match and goes to the next. */
  replace(by: string): void {
    const place = this.#current();
    const cell = place && this.#store.cell(place.cell);
    if (!place || !cell) return;
    const after = this.#replaced(cell, by, place.from);
    if (after === null) return;
    const grown = after.length - cell.doc.text.length;
    cell.doc.replace(after);
    this.#look({ cell: place.cell, offset: place.to + grown });
    this.#show();
  }

  /** Replaces all of them, one change in each cell. */
  replaceAll(by: string): void {
    const count = this.found.get().places.length;
    const changes = [...this.#byCell.keys()].flatMap((id) => {
      const cell = this.#store.cell(id);
      const after = cell ? this.#replaced(cell, by) : null;
      return cell && after !== null ? [{ cell, before: cell.doc.text, after }] : [];
    });
    if (changes.length === 0) return;
    // What was typed in a cell since is not undone.
    const put = (from: 'before' | 'after', to: 'before' | 'after') => {
      for (const c of changes) if (c.cell.doc.text === c[from]) c.cell.doc.replace(c[to]);
    };
    put('before', 'after');
    this.#look();
    this.#did(`${count} replaced in ${changes.length === 1 ? 'one cell' : `${changes.length} cells`}.`, { undo: () => put('after', 'before'), redo: () => put('before', 'after') });
  }

  #replaced(cell: CellStore, by: string, only?: number): string | null {
    const query = this.query.get();
    const pattern = patternOf(query);
    return pattern instanceof RegExp ? replaced(cell.doc.text, pattern, query, by, only) : null;
  }

  #current(): Place | undefined {
    const { places, at } = this.found.get();
    return places[at];
  }

  #watch(): void {
    for (const stop of this.#stops.splice(0)) stop();
    this.#stops = this.#store.cellIds.get().flatMap((id) => this.#store.cell(id)?.source.subscribe(() => this.#lookSoon()) ?? []);
    this.#lookSoon();
  }

  #lookSoon(): void {
    if (this.#due) return;
    this.#due = true;
    queueMicrotask(() => {
      this.#due = false;
      if (this.shown.get() !== 'closed') this.#look();
    });
  }

  /** Looks through all cells. The current match is the first from a place on: the old one's, or the active cell's beginning. */
  #look(from: { cell: CellId; offset: number } | null = this.#here()): void {
    const pattern = patternOf(this.query.get());
    if (!(pattern instanceof RegExp)) return this.#put({ ...NOTHING, wrong: pattern ?? '' });
    const places: Place[] = [];
    let at = -1;
    let reached = false;
    for (const id of this.#store.cellIds.get()) {
      const offset = id === from?.cell ? from.offset : 0;
      reached ||= from === null || id === from.cell;
      for (const m of matchesIn(this.#store.cell(id)?.doc.text ?? '', pattern)) {
        if (at < 0 && reached && m.from >= offset) at = places.length;
        places.push({ ...m, cell: id });
      }
    }
    this.#put({ places, at: places.length === 0 ? -1 : Math.max(at, 0), wrong: '' });
  }

  #here(): { cell: CellId; offset: number } | null {
    const place = this.#current();
    if (place) return { cell: place.cell, offset: place.from };
    const { active } = this.#cursor;
    return active === null ? null : { cell: active, offset: 0 };
  }

  #put(found: Found): void {
    const current = found.places[found.at] ?? null;
    const byCell = new Map<CellId, { matches: Match[]; current: Match | null }>();
    for (const place of found.places) {
      let own = byCell.get(place.cell);
      if (!own) byCell.set(place.cell, (own = { matches: [], current: null }));
      own.matches.push(place);
      if (place === current) own.current = place;
    }
    this.#byCell = byCell;
    this.found.set(found);
  }

  #show(): void {
    const place = this.#current();
    this.#closeTexts(place?.cell);
    if (place && this.#cursor.show(place.cell, place.from, place.to)) this.#openedHere.add(place.cell);
  }

  /** Text is rendered again when the match is not in it any more. */
  #closeTexts(but?: CellId): void {
    for (const id of this.#openedHere) {
      if (id === but) continue;
      this.#openedHere.delete(id);
      this.#cursor.open(id, false);
    }
  }
}
