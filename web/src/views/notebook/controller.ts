/**
 * What a person does to a notebook here: running, changing cells with a way back, folding. Where they are is the cursor's, what is folded
 * the sections'; the document and its runs are the store's. Nothing here is shared with other pages.
 */
import type { NotebookStore } from '../../notebook/store';
import type { CellId, CellType, JsonObject } from '../../protocol/types';
import { signal } from '../../ui/signals';
import { Find } from '../find/query';
import { clashes, withoutClash } from './clash';
import { Cursor, type Mode } from './cursor';
import { InputHistory } from './inputHistory';
import { outputsHidden, withOutputsHidden } from './outputsHidden';
import { Presence } from './presence';
import { recast, toHeadings } from './recast';
import { Sections } from './sections';
import { changed } from './sets';
import { Undo, type Step } from './undo';

interface Copied {
  readonly type: CellType;
  readonly source: string;
  readonly metadata: JsonObject;
  /** Where it is, or was. */
  readonly from: NotebookStore;
  readonly id: CellId;
}

/** Tells a person; gives what takes the message away. */
export type Say = (text: string, undo?: () => void) => () => void;

/** Cells that were copied or cut, over all notebooks of this page. */
let copied: readonly Copied[] = [];

export class NotebookController {
  readonly store: NotebookStore;
  readonly sections: Sections;
  readonly cursor: Cursor;
  readonly find = new Find();
  readonly lineNumbers = signal<ReadonlySet<CellId>>(new Set());
  readonly undo = new Undo();
  readonly presence = new Presence();
  /** The kernel's variables as the last run left them; null before one has ended here. */
  readonly variables = signal<JsonObject | null>(null);
  readonly #history: InputHistory;
  readonly #off: (() => void)[] = [];
  #say: Say = () => () => undefined;

  constructor(store: NotebookStore) {
    this.store = store;
    this.sections = new Sections(store);
    this.cursor = new Cursor(store, this.sections);
    this.#history = new InputHistory(store);
    let kernel = store.kernel.get().id;
    this.#off.push(
      store.cellIds.subscribe(() => this.#onCells()),
      store.on('run_done', (done) => {
        if (done.variables) this.variables.set(done.variables);
      }),
      store.kernel.subscribe(() => {
        if (store.kernel.get().id !== kernel) this.variables.set(null);
        kernel = store.kernel.get().id;
      }),
    );
    this.#onCells();
  }

  close(): void {
    this.find.close();
    for (const off of this.#off.splice(0)) off();
  }

  /** How a person is told of what was done, and of what can be undone. */
  onSay(say: Say): void {
    this.#say = say;
  }

  #onCells(): void {
    this.sections.update();
    this.cursor.follow();
  }

  /** What was done, and the way back; `text` tells the person. */
  did(text: string, step: Step): void {
    this.undo.did(step);
    if (text !== '') this.#say(text, () => this.undo.back(step));
  }

  // Running.

  /** Runs what is selected; Markdown is shown as text again. */
  run(): void {
    const ids = this.cursor.selected();
    const code = ids.filter((id) => this.store.cell(id)?.type.get() === 'code');
    for (const id of ids) if (this.store.cell(id)?.type.get() === 'markdown') this.cursor.open(id, false);
    const [one] = code;
    this.presence.ran(performance.now());
    if (code.length === 1 && one !== undefined) this.store.execute(one);
    else if (code.length > 1) this.store.run(code);
  }

  runInPlace(): void {
    this.run();
    this.cursor.command();
  }

  /** Runs and goes to the next cell; at the end a new one is made and edited. */
  runAndNext(): void {
    const last = this.cursor.selected().at(-1);
    this.run();
    if (last === undefined) return;
    const next = this.cursor.neighbour(last, 1);
    if (next !== undefined) this.cursor.focus(next);
    else this.insertAt(this.cursor.indexOf(last) + 1, 'code', '', 'edit');
  }

  runAndInsert(): void {
    const last = this.cursor.selected().at(-1);
    this.run();
    if (last !== undefined) this.insertAt(this.cursor.indexOf(last) + 1, 'code', '', 'edit');
  }

  runAll(): void {
    this.presence.ran(performance.now());
    this.store.run();
  }

  runFrom(where: 'above' | 'below'): void {
    const at = this.cursor.indexOf(this.cursor.active);
    const part = where === 'above' ? this.cursor.cells().slice(0, at) : this.cursor.cells().slice(at);
    const code = part.filter((id) => this.store.cell(id)?.type.get() === 'code');
    this.presence.ran(performance.now());
    if (code.length > 0) this.store.run(code);
  }

  /** The gutter's button: run, or stop what runs, or take out of the queue. */
  toggleRun(id: CellId): void {
    const run = this.store.cell(id)?.run.get();
    this.presence.ran(performance.now());
    if (run?.state === 'running') this.store.interrupt();
    else if (run?.state === 'queued') this.store.cancel(id);
    else this.store.execute(id);
  }

  // Changing the notebook. Each leaves a way back.

  insertAt(index: number, type: CellType, source = '', mode: Mode = 'command'): CellId {
    const id = this.store.insert(index, type, source);
    this.undo.did({ undo: () => this.#drop([id]), redo: () => this.#bring([{ id, index }]) });
    if (type === 'markdown') this.cursor.open(id, true);
    this.cursor.focus(id, mode);
    return id;
  }

  insert(where: 'above' | 'below', type: CellType = 'code'): void {
    const ids = this.cursor.selected();
    const at = where === 'above' ? this.cursor.indexOf(ids[0] ?? null) : this.cursor.indexOf(ids.at(-1) ?? null) + 1;
    this.insertAt(Math.max(0, at), type);
  }

  insertHeading(where: 'above' | 'below'): void {
    const level = this.cursor.cells().slice(0, this.cursor.indexOf(this.cursor.active) + 1).map((id) => this.sections.level(id)).findLast((n) => n > 0) ?? 1;
    const at = this.cursor.indexOf(this.cursor.active) + (where === 'above' ? 0 : 1);
    this.insertAt(Math.max(0, at), 'markdown', `${'#'.repeat(level)} `, 'edit');
  }

  remove(ids: readonly CellId[] = this.cursor.selected(), quiet = false): void {
    if (ids.length === 0) return;
    const places = ids.map((id) => ({ id, index: this.cursor.indexOf(id) })).sort((a, b) => a.index - b.index);
    const after = this.cursor.cells().slice((places.at(-1)?.index ?? 0) + 1).find((id) => !ids.includes(id));
    const before = this.cursor.cells().slice(0, places[0]?.index).findLast((id) => !ids.includes(id));
    const next = after ?? before;
    const runsOn = ids.some((id) => this.store.cell(id)?.run.get()?.state === 'running');
    this.#drop(ids);
    let unsay = () => {};
    const step = this.undo.did({
      undo: () => {
        unsay();
        this.#bring(places);
      },
      redo: () => this.#drop(ids),
    });
    if (next !== undefined) this.cursor.focus(next);
    else this.insertAt(0, 'code', '', 'command');
    const said = `${ids.length === 1 ? 'Cell' : `${ids.length} cells`} deleted.${runsOn ? ' Its code runs on.' : ''}`;
    if (!quiet) unsay = this.#say(said, () => this.undo.back(step));
  }

  #drop(ids: readonly CellId[]): void {
    const { all } = this.cursor.selection.get();
    const lost = ids.some((id) => all.has(id));
    const rest = this.cursor.cells().filter((id) => !ids.includes(id));
    const at = Math.min(this.cursor.indexOf(ids[0] ?? null), rest.length - 1);
    this.store.remove(ids);
    const next = rest[at];
    if (lost && next !== undefined) this.cursor.focus(next);
  }

  #bring(places: readonly { id: CellId; index: number }[]): void {
    for (const { id, index } of places) this.store.restore(id, index);
    const first = places[0];
    if (first) this.cursor.focus(first.id);
  }

  copy(): void {
    copied = this.cursor.selected().flatMap((id) => {
      const cell = this.store.cell(id);
      return cell ? [{ type: cell.type.get(), source: cell.doc.text, metadata: withoutClash(cell.metadata.get()), from: this.store, id }] : [];
    });
  }

  cut(): void {
    this.copy();
    this.remove(this.cursor.selected(), true);
  }

  paste(where: 'above' | 'below'): void {
    const ids = this.cursor.selected();
    const at = where === 'above' ? Math.max(0, this.cursor.indexOf(ids[0] ?? null)) : this.cursor.indexOf(ids.at(-1) ?? null) + 1;
    const made = copied.map((cell, i) => ({
      id: this.store.insert(at + i, cell.type, cell.source, { metadata: cell.metadata, ...(cell.from === this.store ? { like: cell.id } : {}) }),
      index: at + i,
    }));
    const last = made.at(-1);
    if (last === undefined) return;
    this.undo.did({ undo: () => this.#drop(made.map((m) => m.id)), redo: () => this.#bring(made) });
    this.cursor.focus(last.id);
  }

  duplicate(): void {
    this.copy();
    this.paste('below');
  }

  /** To index of the list as it is, in their order; with what their folded headings hide. */
  moveTo(ids: readonly CellId[], index: number): void {
    const all = this.cursor.cells();
    const moved = all.filter((id) => ids.includes(id) || this.#foldedUnder(id, ids));
    const anchor = all.slice(index).find((id) => !moved.includes(id));
    const put = (id: CellId, before: CellId | undefined) => {
      const rest = this.cursor.cells().filter((other) => other !== id);
      this.store.move(id, before === undefined ? rest.length : rest.indexOf(before));
    };
    const go = () => {
      for (const id of moved) put(id, anchor);
      const { active } = this.cursor;
      if (active !== null) requestAnimationFrame(() => this.cursor.focusElement(active));
    };
    const back = () => {
      for (const id of moved.toReversed()) put(id, all[all.indexOf(id) + 1]);
    };
    const order = all.filter((id) => !moved.includes(id));
    order.splice(anchor === undefined ? order.length : order.indexOf(anchor), 0, ...moved);
    if (order.every((id, i) => id === all[i])) return;
    go();
    this.undo.did({ undo: back, redo: go });
  }

  /** Whether a cell is hidden in the folded section of one of these headings. */
  #foldedUnder(id: CellId, headings: readonly CellId[]): boolean {
    if (!this.sections.hidden.get().has(id)) return false;
    const all = this.cursor.cells();
    const top = all.slice(0, all.indexOf(id)).findLast((other) => !this.sections.hidden.get().has(other));
    return top !== undefined && headings.includes(top);
  }

  /** The selected cells one place up or down, together. */
  moveCells(by: 1 | -1): void {
    const ids = this.cursor.selected();
    const shown = this.sections.visible();
    const edge = by === 1 ? ids.at(-1) : ids[0];
    const other = edge === undefined ? undefined : shown[shown.indexOf(edge) + by];
    if (other === undefined) return;
    const before = by === -1 ? other : shown[shown.indexOf(other) + 1];
    this.moveTo(ids, before === undefined ? this.cursor.cells().length : this.cursor.indexOf(before));
  }

  setType(type: CellType): void {
    const ids = this.cursor.selected().filter((id) => (this.store.cell(id)?.type.get() ?? type) !== type);
    const ended = ids.filter((id) => this.store.cell(id)?.run.get()?.state !== 'running');
    if (ended.length < ids.length) this.#say('A cell that runs stays code. Interrupt it first.');
    const steps = ended.map((id) => recast(this.store, this.cursor, id, type));
    if (steps.length === 0) return;
    const go = (all: readonly (() => void)[]) => {
      for (const fn of all) fn();
      this.cursor.command();
    };
    this.undo.did({ undo: () => go(steps.toReversed().map((s) => s.undo)), redo: () => go(steps.map((s) => s.redo)) });
    this.cursor.command();
  }

  /** The selected text cells become headings of this level; code stays code. */
  setHeading(level: number): void {
    const step = toHeadings(this.store, this.cursor, level);
    if (step) this.undo.did(step);
  }

  /** All selected into the first; with one selected, it and the one below. */
  merge(which: 'selected' | 'above' | 'below' = 'selected'): void {
    let ids = this.cursor.selected();
    const [only] = ids;
    if (ids.length === 1 && only !== undefined) {
      const other = this.cursor.neighbour(only, which === 'above' ? -1 : 1);
      if (other === undefined) return;
      ids = which === 'above' ? [other, only] : [only, other];
    }
    const [first, ...rest] = ids;
    const into = first === undefined ? undefined : this.store.cell(first);
    if (!into || first === undefined || rest.length === 0) return;
    const texts = ids.map((id) => this.store.cell(id)?.doc.text ?? '');
    const before = into.doc.text;
    const joined = texts.join('\n');
    const places = rest.map((id) => ({ id, index: this.cursor.indexOf(id) }));
    const go = () => {
      into.doc.replace(joined);
      this.store.remove(rest);
      this.cursor.focus(first);
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
    const cell = this.cursor.activeCell();
    const caret = this.cursor.handle()?.caret();
    if (!cell || !caret) return;
    const text = cell.doc.text;
    const cuts = [...new Set([0, Math.min(caret.anchor, caret.head), Math.max(caret.anchor, caret.head), text.length])].sort((a, b) => a - b);
    const parts = cuts.slice(0, -1).map((at, i) => text.slice(at, cuts[i + 1]).replace(/^\n|\n$/g, ''));
    if (parts.length < 2) return;
    const at = this.cursor.indexOf(cell.id);
    cell.doc.replace(parts[0] ?? '');
    const made = parts.slice(1).map((part, i) => this.store.insert(at + 1 + i, cell.type.get(), part));
    this.undo.did({
      undo: () => {
        this.store.remove(made);
        cell.doc.replace(text);
        this.cursor.focus(cell.id);
      },
      redo: () => {
        cell.doc.replace(parts[0] ?? '');
        made.forEach((id, i) => this.store.restore(id, at + 1 + i));
      },
    });
    const last = made.at(-1);
    if (last !== undefined) this.cursor.focus(last, 'edit', 'start');
  }

  clear(ids: readonly CellId[] = this.cursor.selected()): void {
    for (const id of ids) this.store.clear(id);
  }

  toggleOutputs(): void {
    for (const id of this.cursor.selected()) {
      const metadata = this.store.cell(id)?.metadata.get();
      if (metadata) this.store.change(id, { metadata: withOutputsHidden(metadata, !outputsHidden(metadata)) });
    }
  }

  toggleLineNumbers(): void {
    const { active } = this.cursor;
    if (active !== null) this.lineNumbers.set(changed(this.lineNumbers.get(), active, !this.lineNumbers.get().has(active)));
  }

  /** Settles a cell that was changed here and on disk: `other` is the version of the disk, of the cell `mine`. */
  settleClash(other: CellId, mine: CellId, keep: 'mine' | 'theirs' | 'both'): void {
    const [there, here] = [this.store.cell(other), this.store.cell(mine)];
    if (!there || !here) return;
    const [before, metadata, index] = [here.doc.text, there.metadata.get(), this.cursor.indexOf(other)];
    const go = () => {
      if (keep === 'theirs') here.doc.replace(there.doc.text);
      if (keep === 'both') this.store.change(other, { metadata: withoutClash(metadata) });
      else this.store.remove([other]);
      this.cursor.focus(mine);
      // Asked for by the person, a save says that nothing is left to look at.
      if (clashes(this.store).length === 0) this.store.save();
    };
    go();
    this.undo.did({
      undo: () => {
        if (keep === 'theirs') here.doc.replace(before);
        if (keep === 'both') this.store.change(other, { metadata });
        else this.store.restore(other, index);
      },
      redo: go,
    });
  }

  /** Settles a cell that one side deleted while the other changed it. */
  settleDeleted(id: CellId, keep: boolean): void {
    const cell = this.store.cell(id);
    if (!cell) return;
    const metadata = cell.metadata.get();
    const go = () => {
      if (keep) this.store.change(id, { metadata: withoutClash(metadata) });
      else this.remove([id], true);
      if (clashes(this.store).length === 0) this.store.save();
    };
    if (!keep) return go();
    go();
    this.undo.did({ undo: () => this.store.change(id, { metadata }), redo: go });
  }

  // Headings.

  /** Folds the section of the active heading; already folded or not a heading, goes to the heading above. */
  headingUpOrFold(): void {
    const { active } = this.cursor;
    if (active === null) return;
    if (this.sections.level(active) > 0 && !this.sections.folded.get().has(active)) return this.sections.setFolded(active, true);
    const above = this.sections.above(active);
    if (above !== undefined) this.cursor.focus(above);
  }

  /** Unfolds the section of the active heading; not folded, goes to the next heading. */
  headingDownOrUnfold(): void {
    const { active } = this.cursor;
    if (active === null) return;
    if (this.sections.folded.get().has(active)) return this.sections.setFolded(active, false);
    const below = this.sections.below(active);
    if (below !== undefined) this.cursor.focus(below);
  }

  foldAll(on: boolean): void {
    this.sections.foldAll(on);
    const { active } = this.cursor;
    if (active === null || !this.sections.hidden.get().has(active)) return;
    const above = this.cursor.cells().slice(0, this.cursor.indexOf(active)).findLast((id) => this.sections.level(id) > 0 && !this.sections.hidden.get().has(id));
    if (above !== undefined) this.cursor.focus(above);
  }

  // In the editor.

  /** Looks for what is selected, when something is. */
  lookFor(how: 'find' | 'replace', where: 'bar' | 'panel' = 'bar'): void {
    const mode = this.cursor.mode.get();
    const caret = mode === 'edit' ? this.cursor.handle()?.caret() : null;
    const text = this.cursor.activeCell()?.doc.text ?? '';
    this.find.open(how, where, mode, caret ? text.slice(Math.min(caret.anchor, caret.head), Math.max(caret.anchor, caret.head)) : '');
  }

  lookOn(by: 1 | -1): void {
    if (this.find.shown.get() === 'closed') this.lookFor('find');
    else this.find.engine?.next(by);
  }

  /** Puts what was run before into the cell, further back or nearer; nearest is what the person had typed. */
  async recall(by: 1 | -1): Promise<void> {
    const cell = this.cursor.activeCell();
    const handle = this.cursor.handle();
    if (!cell || !handle || cell.type.get() !== 'code') return;
    const text = await this.#history.step(cell, by).catch(() => this.#say('The kernel is busy or not running: its history comes later.'));
    if (typeof text !== 'string' || this.cursor.active !== cell.id) return;
    cell.doc.replace(text);
    handle.edit('end');
  }
}
