/**
 * A notebook as one person uses it here: which cells are selected, which mode the keyboard is in, what is folded, what can be undone.
 * The document and its runs are the store's; nothing here is shared with other pages. It knows elements only as things to focus.
 */
import type { CellStore, NotebookStore } from '../../notebook/store';
import type { CellId, CellType } from '../../protocol/types';
import { signal } from '../../ui/signals';
import { foldedCells, headingLevel } from './headings';
import { Undo } from './undo';

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
}

interface Copied {
  readonly type: CellType;
  readonly source: string;
}

/** Tells a person; gives what takes the message away. */
export type Say = (text: string, undo: () => void) => () => void;

const NONE: Selection = { anchor: null, active: null, all: new Set() };
/** Cells that were copied or cut, over all notebooks of this page. */
let copied: readonly Copied[] = [];

export class NotebookController {
  readonly store: NotebookStore;
  readonly selection = signal<Selection>(NONE);
  readonly mode = signal<Mode>('command');
  /** Markdown cells that are shown as source. */
  readonly opened = signal<ReadonlySet<CellId>>(new Set());
  /** Markdown headings whose section is folded. */
  readonly folded = signal<ReadonlySet<CellId>>(new Set());
  /** Cells inside a folded section. */
  readonly hidden = signal<ReadonlySet<CellId>>(new Set());
  readonly lineNumbers = signal<ReadonlySet<CellId>>(new Set());
  readonly caret = signal<string>('');
  readonly undo = new Undo();
  readonly #handles = new Map<CellId, CellHandle>();
  readonly #off: (() => void)[] = [];
  #waiting: { id: CellId; mode: Mode } | null = null;
  #order: readonly CellId[] = [];
  #say: Say = () => () => undefined;

  constructor(store: NotebookStore) {
    this.store = store;
    this.#order = store.cellIds.get();
    this.#off.push(store.cellIds.subscribe(() => this.#onCells()));
    this.#onCells();
  }

  close(): void {
    for (const off of this.#off.splice(0)) off();
  }

  /** How a person is told of what can be undone. */
  onSay(say: Say): void {
    this.#say = say;
  }

  register(id: CellId, handle: CellHandle): () => void {
    this.#handles.set(id, handle);
    if (this.#waiting?.id === id) {
      const { mode } = this.#waiting;
      this.#waiting = null;
      queueMicrotask(() => this.focus(id, mode));
    }
    return () => {
      if (this.#handles.get(id) === handle) this.#handles.delete(id);
    };
  }

  // Where things are.

  cells(): readonly CellId[] {
    return this.store.cellIds.get();
  }

  indexOf(id: CellId | null): number {
    return id === null ? -1 : this.cells().indexOf(id);
  }

  get active(): CellId | null {
    return this.selection.get().active;
  }

  activeCell(): CellStore | undefined {
    const id = this.active;
    return id === null ? undefined : this.store.cell(id);
  }

  /** The selected cells, in the notebook's order. */
  selected(): readonly CellId[] {
    const { all } = this.selection.get();
    return this.cells().filter((id) => all.has(id));
  }

  #visible(): readonly CellId[] {
    const hidden = this.hidden.get();
    return hidden.size === 0 ? this.cells() : this.cells().filter((id) => !hidden.has(id));
  }

  #neighbour(id: CellId | null, by: 1 | -1): CellId | undefined {
    const cells = this.#visible();
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
    const cells = this.#visible();
    const [a, b] = [cells.indexOf(anchor), cells.indexOf(id)].sort((x, y) => x - y);
    this.selection.set({ anchor, active: id, all: new Set(cells.slice(a, (b ?? 0) + 1)) });
    this.focusElement(id);
  }

  extend(by: 1 | -1 | 'first' | 'last'): void {
    const cells = this.#visible();
    const to = by === 'first' ? cells[0] : by === 'last' ? cells.at(-1) : this.#neighbour(this.active, by);
    if (to !== undefined) this.extendTo(to);
  }

  selectAll(): void {
    const all = this.#visible();
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
    this.#reveal(id);
    if (mode === 'edit') {
      if (this.store.cell(id)?.type.get() === 'markdown') this.open(id, true);
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

  /** To the prompt that waits longest; its box takes the focus. */
  toPrompt(): void {
    const [prompt] = this.store.prompts.get();
    if (!prompt) return;
    this.jump(prompt.cell_id);
    document.querySelector<HTMLElement>(`[data-prompt="${CSS.escape(prompt.request_id)}"]`)?.focus();
  }

  focusElement(id: CellId): void {
    this.mode.set('command');
    this.#handles.get(id)?.focus(true);
  }

  /** Puts the keyboard back where it belongs, for instance after a menu. */
  refocus(): void {
    const id = this.active ?? this.cells()[0];
    if (id !== undefined) this.focus(id, this.mode.get());
  }

  move(by: 1 | -1): void {
    const to = this.#neighbour(this.active, by);
    if (to !== undefined) this.focus(to);
    else if (this.active !== null) this.focus(this.active);
  }

  /** From one editor to the next by an arrow key. */
  leave(id: CellId, direction: 1 | -1): boolean {
    const to = this.#neighbour(id, direction);
    if (to === undefined) return false;
    const cell = this.store.cell(to);
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

  // Running.

  /** Runs what is selected; Markdown is shown as text again. */
  run(): void {
    const ids = this.selected();
    const code = ids.filter((id) => this.store.cell(id)?.type.get() === 'code');
    for (const id of ids) if (this.store.cell(id)?.type.get() === 'markdown') this.open(id, false);
    const [one] = code;
    if (code.length === 1 && one !== undefined) this.store.execute(one);
    else if (code.length > 1) this.store.run(code);
  }

  runInPlace(): void {
    this.run();
    this.command();
  }

  /** Runs and goes to the next cell; at the end a new one is made and edited. */
  runAndNext(): void {
    const last = this.selected().at(-1);
    this.run();
    if (last === undefined) return;
    const next = this.#neighbour(last, 1);
    if (next !== undefined) this.focus(next);
    else this.insertAt(this.indexOf(last) + 1, 'code', '', 'edit');
  }

  runAndInsert(): void {
    const last = this.selected().at(-1);
    this.run();
    if (last !== undefined) this.insertAt(this.indexOf(last) + 1, 'code', '', 'edit');
  }

  runAll(): void {
    this.store.run();
  }

  runFrom(where: 'above' | 'below'): void {
    const at = this.indexOf(this.active);
    const part = where === 'above' ? this.cells().slice(0, at) : this.cells().slice(at);
    const code = part.filter((id) => this.store.cell(id)?.type.get() === 'code');
    if (code.length > 0) this.store.run(code);
  }

  /** The gutter's button: run, or stop what runs, or take out of the queue. */
  toggleRun(id: CellId): void {
    const run = this.store.cell(id)?.run.get();
    if (run?.state === 'running') this.store.interrupt();
    else if (run?.state === 'queued') this.store.cancel(id);
    else this.store.execute(id);
  }

  // Changing the notebook. Each leaves a way back.

  insertAt(index: number, type: CellType, source = '', mode: Mode = 'command'): CellId {
    const id = this.store.insert(index, type, source);
    this.undo.did({ undo: () => this.#drop([id]), redo: () => this.#bring([{ id, index }]) });
    if (type === 'markdown') this.open(id, true);
    this.focus(id, mode);
    return id;
  }

  insert(where: 'above' | 'below', type: CellType = 'code'): void {
    const ids = this.selected();
    const at = where === 'above' ? this.indexOf(ids[0] ?? null) : this.indexOf(ids.at(-1) ?? null) + 1;
    this.insertAt(Math.max(0, at), type);
  }

  insertHeading(where: 'above' | 'below'): void {
    const level = this.cells().slice(0, this.indexOf(this.active) + 1).map((id) => this.#level(id)).findLast((n) => n > 0) ?? 1;
    const at = this.indexOf(this.active) + (where === 'above' ? 0 : 1);
    this.insertAt(Math.max(0, at), 'markdown', `${'#'.repeat(level)} `, 'edit');
  }

  remove(ids: readonly CellId[] = this.selected(), quiet = false): void {
    if (ids.length === 0) return;
    const places = ids.map((id) => ({ id, index: this.indexOf(id) })).sort((a, b) => a.index - b.index);
    const after = this.cells().slice((places.at(-1)?.index ?? 0) + 1).find((id) => !ids.includes(id));
    const before = this.cells().slice(0, places[0]?.index).findLast((id) => !ids.includes(id));
    const next = after ?? before;
    this.#drop(ids);
    let unsay = () => {};
    const step = this.undo.did({
      undo: () => {
        unsay();
        this.#bring(places);
      },
      redo: () => this.#drop(ids),
    });
    if (next !== undefined) this.focus(next);
    else this.insertAt(0, 'code', '', 'command');
    if (!quiet) unsay = this.#say(ids.length === 1 ? 'Cell deleted.' : `${ids.length} cells deleted.`, () => this.undo.back(step));
  }

  #drop(ids: readonly CellId[]): void {
    const { all } = this.selection.get();
    const lost = ids.some((id) => all.has(id));
    const rest = this.cells().filter((id) => !ids.includes(id));
    const at = Math.min(this.indexOf(ids[0] ?? null), rest.length - 1);
    this.store.remove(ids);
    const next = rest[at];
    if (lost && next !== undefined) this.focus(next);
  }

  #bring(places: readonly { id: CellId; index: number }[]): void {
    for (const { id, index } of places) this.store.restore(id, index);
    const first = places[0];
    if (first) this.focus(first.id);
  }

  copy(): void {
    copied = this.selected().flatMap((id) => {
      const cell = this.store.cell(id);
      return cell ? [{ type: cell.type.get(), source: cell.doc.text }] : [];
    });
  }

  cut(): void {
    this.copy();
    this.remove(this.selected(), true);
  }

  paste(where: 'above' | 'below'): void {
    const ids = this.selected();
    let at = where === 'above' ? this.indexOf(ids[0] ?? null) : this.indexOf(ids.at(-1) ?? null) + 1;
    for (const cell of copied) this.insertAt(at++, cell.type, cell.source);
  }

  duplicate(): void {
    this.copy();
    this.paste('below');
  }

  /** The selected cells one place up or down, together. */
  moveCells(by: 1 | -1): void {
    const ids = this.selected();
    const first = this.indexOf(ids[0] ?? null);
    const last = this.indexOf(ids.at(-1) ?? null);
    if (first + by < 0 || last + by >= this.cells().length || ids.length === 0) return;
    const shift = (d: 1 | -1) => {
      for (const id of d === 1 ? ids.toReversed() : ids) this.store.move(id, this.indexOf(id) + d);
      const active = this.active;
      if (active !== null) requestAnimationFrame(() => this.focusElement(active));
    };
    shift(by);
    this.undo.did({ undo: () => shift(by === 1 ? -1 : 1), redo: () => shift(by) });
  }

  setType(type: CellType): void {
    const before = this.selected().flatMap((id) => {
      const was = this.store.cell(id)?.type.get();
      return was !== undefined && was !== type ? [{ id, was }] : [];
    });
    for (const { id } of before) {
      this.store.change(id, { type });
      if (type === 'markdown') this.open(id, true);
    }
    if (before.length === 0) return;
    this.undo.did({ undo: () => before.forEach(({ id, was }) => this.store.change(id, { type: was })), redo: () => before.forEach(({ id }) => this.store.change(id, { type })) });
    this.command();
  }

  /** A Markdown heading of this level. */
  setHeading(level: number): void {
    for (const id of this.selected()) {
      const cell = this.store.cell(id);
      if (!cell) continue;
      if (cell.type.get() !== 'markdown') this.store.change(id, { type: 'markdown' });
      cell.doc.replace(`${'#'.repeat(level)} ${cell.doc.text.replace(/^\s*#{1,6}\s*/, '')}`);
      this.open(id, true);
    }
  }

  /** All selected into the first; with one selected, it and the one below. */
  merge(which: 'selected' | 'above' | 'below' = 'selected'): void {
    let ids = this.selected();
    const [only] = ids;
    if (ids.length === 1 && only !== undefined) {
      const other = this.#neighbour(only, which === 'above' ? -1 : 1);
      if (other === undefined) return;
      ids = which === 'above' ? [other, only] : [only, other];
    }
    const [first, ...rest] = ids;
    const into = first === undefined ? undefined : this.store.cell(first);
    if (!into || first === undefined || rest.length === 0) return;
    const texts = ids.map((id) => this.store.cell(id)?.doc.text ?? '');
    const before = into.doc.text;
    const joined = texts.join('\n');
    const places = rest.map((id) => ({ id, index: this.indexOf(id) }));
    const go = () => {
      into.doc.replace(joined);
      this.store.remove(rest);
      this.focus(first);
    };
    go();
    this.undo.did({
      undo: () => {
        into.doc.replace(before);
        this.#bring(places);
      },
      redo: go,
    });
  }

  /** In edit mode: at the caret or around the selection. */
  split(): void {
    const cell = this.activeCell();
    const caret = this.active === null ? null : this.#handles.get(this.active)?.caret();
    if (!cell || !caret) return;
    const text = cell.doc.text;
    const cuts = [...new Set([0, Math.min(caret.anchor, caret.head), Math.max(caret.anchor, caret.head), text.length])].sort((a, b) => a - b);
    const parts = cuts.slice(0, -1).map((at, i) => text.slice(at, cuts[i + 1]).replace(/^\n|\n$/g, ''));
    if (parts.length < 2) return;
    const at = this.indexOf(cell.id);
    cell.doc.replace(parts[0] ?? '');
    const made = parts.slice(1).map((part, i) => this.store.insert(at + 1 + i, cell.type.get(), part));
    this.undo.did({
      undo: () => {
        this.store.remove(made);
        cell.doc.replace(text);
        this.focus(cell.id);
      },
      redo: () => {
        cell.doc.replace(parts[0] ?? '');
        made.forEach((id, i) => this.store.restore(id, at + 1 + i));
      },
    });
    const last = made.at(-1);
    if (last !== undefined) this.focus(last, 'edit', 'start');
  }

  clear(ids: readonly CellId[] = this.selected()): void {
    for (const id of ids) this.store.clear(id);
  }

  toggleOutputs(): void {
    for (const id of this.selected()) {
      const metadata = this.store.cell(id)?.metadata.get();
      if (metadata) this.store.change(id, { metadata: withOutputsHidden(metadata, !outputsHidden(metadata)) });
    }
  }

  toggleLineNumbers(): void {
    const { active } = this;
    if (active !== null) this.lineNumbers.set(changed(this.lineNumbers.get(), active, !this.lineNumbers.get().has(active)));
  }

  // Headings.

  /** Folds or unfolds the section of the active heading; without one, goes to the heading above. */
  fold(on: boolean): void {
    const cell = this.activeCell();
    if (!cell || cell.type.get() !== 'markdown' || headingLevel(cell.doc.text) === 0) {
      if (on) this.#toHeadingAbove();
      return;
    }
    this.setFolded(cell.id, on);
  }

  setFolded(id: CellId, on: boolean): void {
    this.folded.set(changed(this.folded.get(), id, on));
    this.#hide();
  }

  foldAll(on: boolean): void {
    const headings = this.cells().filter((id) => this.#level(id) > 0);
    this.folded.set(new Set(on ? headings : []));
    this.#hide();
    if (this.active !== null && this.hidden.get().has(this.active)) this.#toHeadingAbove();
  }

  #level(id: CellId): number {
    const cell = this.store.cell(id);
    return cell?.type.get() === 'markdown' ? headingLevel(cell.doc.text) : 0;
  }

  #toHeadingAbove(): void {
    const above = this.cells().slice(0, this.indexOf(this.active)).findLast((id) => this.#level(id) > 0);
    if (above !== undefined) this.focus(above);
  }

  #hide(): void {
    const folded = this.folded.get();
    if (folded.size === 0 && this.hidden.get().size === 0) return;
    this.hidden.set(foldedCells(this.cells(), folded, (id) => this.#level(id)));
  }

  /** Unfolds what hides a cell. */
  #reveal(id: CellId): void {
    if (!this.hidden.get().has(id)) return;
    const above = this.cells().slice(0, this.indexOf(id)).filter((h) => this.folded.get().has(h));
    this.folded.set(new Set([...this.folded.get()].filter((h) => !above.includes(h))));
    this.#hide();
  }

  /** Cells came or went, here or elsewhere: the selection stays on cells that exist. */
  #onCells(): void {
    const cells = this.cells();
    const old = this.#order;
    this.#order = cells;
    this.#hide();
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

function changed<T>(set: ReadonlySet<T>, item: T, on: boolean): ReadonlySet<T> {
  if (set.has(item) === on) return set;
  const out = new Set(set);
  if (on) out.add(item);
  else out.delete(item);
  return out;
}

type Metadata = CellStore['metadata'] extends { get(): infer M } ? M : never;

export function outputsHidden(metadata: Metadata): boolean {
  const jupyter = metadata.jupyter;
  return metadata.collapsed === true || (typeof jupyter === 'object' && jupyter !== null && 'outputs_hidden' in jupyter && jupyter.outputs_hidden === true);
}

function withOutputsHidden(metadata: Metadata, on: boolean): Metadata {
  const { jupyter, collapsed: _, ...rest } = metadata;
  const entries = typeof jupyter === 'object' && jupyter !== null && !Array.isArray(jupyter) ? Object.entries(jupyter) : [];
  const own = Object.fromEntries(entries.filter(([key]) => key !== 'outputs_hidden'));
  if (on) return { ...rest, jupyter: { ...own, outputs_hidden: true } };
  return Object.keys(own).length > 0 ? { ...rest, jupyter: own } : rest;
}
