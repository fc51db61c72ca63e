/** Where the person is in a notebook: which cells are selected, and whether keys are commands or go into the cell. */
import type { CellStore, NotebookStore } from '../../notebook/store';
import type { CellId } from '../../protocol/types';
import { signal } from '../../ui/signals';
import type { Sections } from './sections';
import { changed } from './sets';

export type Mode = 'command' | 'edit';

export interface Selection {
  /** Where it began. */
  readonly anchor: CellId | null;
  /** The active cell. */
  readonly active: CellId | null;
  /** All of them, the active one included. */
  readonly all: ReadonlySet<CellId>;
}

/** What a cell's component lets the controller do with it. */
export interface CellHandle {
  /** The element that has the focus in command mode. */
  focus(scroll: boolean): void;
  edit(where: 'start' | 'end' | 'keep'): void;
  /** The caret, for splitting; null without an editor. */
  caret(): { anchor: number; head: number } | null;
  flash(): void;
  /** Shows what the kernel knows of the name at the caret. */
  help(): void;
  /** Brings a part of the text into view without taking the focus. */
  reveal(from: number, to: number): void;
}

const NONE: Selection = { anchor: null, active: null, all: new Set() };

/** Knows elements only as things to focus. The selection stays on cells that exist, whoever adds and removes them. */
export class Cursor {
  readonly selection = signal<Selection>(NONE);
  readonly mode = signal<Mode>('command');
  /** Markdown cells that are shown as source. */
  readonly opened = signal<ReadonlySet<CellId>>(new Set());
  /** Where the caret is, in words. */
  readonly caret = signal<string>('');
  readonly #store: NotebookStore;
  readonly #sections: Sections;
  readonly #handles = new Map<CellId, CellHandle>();
  #waiting: { id: CellId; mode: Mode } | null = null;
  /** A part of a cell's text that is shown when the cell is drawn. */
  #shows: { id: CellId; from: number; to: number } | null = null;
  #order: readonly CellId[] = [];

  constructor(store: NotebookStore, sections: Sections) {
    this.#store = store;
    this.#sections = sections;
    this.#order = store.cellIds.get();
  }

  register(id: CellId, handle: CellHandle): () => void {
    this.#handles.set(id, handle);
    if (this.#waiting?.id === id) {
      const { mode } = this.#waiting;
      this.#waiting = null;
      queueMicrotask(() => this.focus(id, mode));
    }
    if (this.#shows?.id === id) this.#reveal();
    return () => {
      if (this.#handles.get(id) === handle) this.#handles.delete(id);
    };
  }

  // Where things are.

  cells(): readonly CellId[] {
    return this.#store.cellIds.get();
  }

  indexOf(id: CellId | null): number {
    return id === null ? -1 : this.cells().indexOf(id);
  }

  get active(): CellId | null {
    return this.selection.get().active;
  }

  activeCell(): CellStore | undefined {
    const id = this.active;
    return id === null ? undefined : this.#store.cell(id);
  }

  /** The selected cells, in the notebook's order. */
  selected(): readonly CellId[] {
    const { all } = this.selection.get();
    return this.cells().filter((id) => all.has(id));
  }

  /** The active cell as its view lets others handle it; undefined while it is not drawn. */
  handle(): CellHandle | undefined {
    return this.active === null ? undefined : this.#handles.get(this.active);
  }

  neighbour(id: CellId | null, by: 1 | -1): CellId | undefined {
    const cells = this.#sections.visible();
    const at = id === null ? -1 : cells.indexOf(id);
    return cells[at + by];
  }

  // Selecting and focusing.

  select(id: CellId): void {
    const now = this.selection.get();
    if (now.active === id && now.all.size === 1) return;
    this.selection.set({ anchor: id, active: id, all: new Set([id]) });
  }

  /** From the anchor to id. */
  extendTo(id: CellId): void {
    const anchor = this.selection.get().anchor ?? id;
    const cells = this.#sections.visible();
    const [a, b] = [cells.indexOf(anchor), cells.indexOf(id)].sort((x, y) => x - y);
    this.selection.set({ anchor, active: id, all: new Set(cells.slice(a, (b ?? 0) + 1)) });
    this.focusElement(id);
  }

  extend(by: 1 | -1 | 'first' | 'last'): void {
    const cells = this.#sections.visible();
    const to = by === 'first' ? cells[0] : by === 'last' ? cells.at(-1) : this.neighbour(this.active, by);
    if (to !== undefined) this.extendTo(to);
  }

  /** One cell took another's place: what was selected of the first is selected of the second. */
  exchange(from: CellId, to: CellId): void {
    const { anchor, active, all } = this.selection.get();
    const now = (id: CellId | null) => (id === from ? to : id);
    const selected = [...all].flatMap((id) => now(id) ?? []);
    this.selection.set({ anchor: now(anchor), active: now(active), all: new Set(selected) });
  }

  selectAll(): void {
    const all = this.#sections.visible();
    this.selection.set({ anchor: all[0] ?? null, active: all.at(-1) ?? null, all: new Set(all) });
  }

  /** Makes it the one selected cell, in this mode, with the focus. A cell that is not drawn yet is focused when it is. */
  focus(id: CellId, mode: Mode = 'command', where: 'start' | 'end' | 'keep' = 'keep'): void {
    const handle = this.#handles.get(id);
    this.select(id);
    if (!handle) {
      this.#waiting = { id, mode };
      return;
    }
    this.#sections.reveal(id);
    if (mode === 'edit') {
      if (this.#store.cell(id)?.type.get() === 'markdown') this.open(id, true);
      this.mode.set('edit');
      handle.edit(where);
    } else {
      this.mode.set('command');
      handle.focus(true);
    }
  }

  /** Shows a cell and marks it for a moment. */
  jump(id: CellId): void {
    this.focus(id);
    this.#handles.get(id)?.flash();
  }

  /** Selects a cell and shows a part of its text; the focus stays where it is. True when rendered text became source for it. */
  show(id: CellId, from: number, to: number): boolean {
    this.bring(id);
    const opens = this.#store.cell(id)?.type.get() === 'markdown' && !this.opened.get().has(id);
    if (opens) this.open(id, true);
    this.#shows = { id, from, to };
    this.#reveal();
    return opens;
  }

  /** Selects a cell and unfolds what hides it; the focus stays where it is. */
  bring(id: CellId): void {
    this.#shows = null;
    this.#sections.reveal(id);
    this.select(id);
  }

  #reveal(): void {
    requestAnimationFrame(() => {
      const shows = this.#shows;
      const handle = shows && this.#handles.get(shows.id);
      if (!shows || !handle) return;
      this.#shows = null;
      handle.reveal(shows.from, shows.to);
    });
  }

  /** To the prompt that waits longest; its box takes the focus. */
  toPrompt(): void {
    const [prompt] = this.#store.prompts.get();
    if (!prompt) return;
    if (this.indexOf(prompt.cell_id) >= 0) this.jump(prompt.cell_id);
    document.querySelector<HTMLElement>(`[data-prompt="${CSS.escape(prompt.request_id)}"]`)?.focus();
  }

  focusElement(id: CellId): void {
    this.mode.set('command');
    this.#handles.get(id)?.focus(true);
  }

  /** From the box of a prompt to its cell; to the active one when that cell is deleted. */
  fromPrompt(id: CellId): void {
    if (this.indexOf(id) >= 0) this.focus(id);
    else this.refocus();
  }

  /** Puts the keyboard back where it belongs, for instance after a menu. */
  refocus(): void {
    const id = this.active ?? this.cells()[0];
    if (id !== undefined) this.focus(id, this.mode.get());
  }

  move(by: 1 | -1): void {
    const to = this.neighbour(this.active, by);
    if (to !== undefined) this.focus(to);
    else if (this.active !== null) this.focus(this.active);
  }

  /** From one editor to the next by an arrow key. */
  leave(id: CellId, direction: 1 | -1): boolean {
    const to = this.neighbour(id, direction);
    if (to === undefined) return false;
    const cell = this.#store.cell(to);
    const rendered = cell?.type.get() === 'markdown' && !this.opened.get().has(to);
    this.focus(to, rendered ? 'command' : 'edit', direction === 1 ? 'start' : 'end');
    return true;
  }

  command(): void {
    if (this.active !== null) this.focus(this.active, 'command');
  }

  edit(where: 'start' | 'end' | 'keep' = 'keep'): void {
    if (this.active !== null) this.focus(this.active, 'edit', where);
  }

  open(id: CellId, on: boolean): void {
    this.opened.set(changed(this.opened.get(), id, on));
  }

  /** Cells came or went, here or elsewhere. */
  follow(): void {
    const cells = this.cells();
    const old = this.#order;
    this.#order = cells;
    const { active, all } = this.selection.get();
    if (active === null) {
      if (cells[0] !== undefined) this.select(cells[0]);
      return;
    }
    const here = new Set(cells);
    if (here.has(active) && [...all].every((id) => here.has(id))) return;
    if (this.#waiting?.id === active) return;
    const at = old.indexOf(active);
    const next = here.has(active) ? active : (old.slice(at).find((id) => here.has(id)) ?? cells.at(Math.min(at, cells.length - 1)));
    if (next === undefined) this.selection.set(NONE);
    else this.select(next);
  }
}
