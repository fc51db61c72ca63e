import type { Cell, CellId, Event, Output, OutputId, Prompt, Run, State, Text, Widget, WidgetBuffer, WidgetId } from '../protocol/types';
import { applyChanges } from './changes';
import { fits, joinPuts, putText, textOf, type Put } from './text';

/**
 * How events change a state: equal to the Go side's State.Apply, checked against the same samples. What does not fit (an
 * unknown cell, an edit of another version) changes nothing, so applying an event twice changes nothing either (P24).
 */
export function apply(state: State, event: Event): State {
  return applyAll(state, [event]);
}

/** Applies a batch. The state given stays as it was; what no event touches is shared with it. */
export function applyAll(state: State, events: readonly Event[]): State {
  const draft = new Draft(state);
  for (const event of events) draft.apply(event);
  return draft.done();
}

export const BIN_MAX = 50;

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** A state in the making: each thing is copied once, when it is first changed. */
class Draft {
  readonly #state: Mutable<State>;
  readonly #from: State;
  #cells: Cell[] | null = null;
  #index: Map<CellId, number>;
  readonly #own = new Map<CellId, Mutable<Cell>>();
  readonly #outputs = new Map<CellId, Output[]>();
  /** What is put to the last text that was put to, not yet done: a flood is many small puts to one text. */
  #waiting: { readonly cell: CellId; readonly output: OutputId; readonly text: Text; put: Put } | null = null;

  constructor(state: State) {
    this.#from = state;
    this.#state = { ...state };
    this.#index = indexOf(state.cells);
  }

  done(): State {
    this.#putWaiting();
    for (const [id, outputs] of this.#outputs) {
      const cell = this.#own.get(id);
      if (cell) cell.outputs = outputs;
    }
    if (this.#cells) {
      this.#state.cells = this.#cells;
      indexes.set(this.#cells, this.#index);
    }
    const same = Object.keys(this.#from).every((k) => Reflect.get(this.#from, k) === Reflect.get(this.#state, k));
    return same ? this.#from : this.#state;
  }

  apply(e: Event): void {
    const s = this.#state;
    if (e.type === 'text_put') return this.#put(e);
    this.#putWaiting();
    switch (e.type) {
      case 'cell_added': return this.#add(e.cell, e.index);
      case 'cell_removed': return this.#remove(e.cell_id, e.at);
      case 'cell_moved': return this.#move(e.cell_id, e.index);
      case 'metadata_changed': s.metadata = e.metadata; return;
      case 'run_queued': return this.#queue(e.cell_id, e.run, e.place);
      case 'run_started': return this.#start(e.cell_id, e.run_id, e.at);
      case 'run_done': return this.#end(e);
      case 'prompt_opened': return this.#prompt(e.prompt, true);
      case 'prompt_changed': return this.#prompt(e.prompt, false);
      case 'prompt_closed': s.prompts = without(s.prompts, (p) => p.request_id === e.request_id); return;
      case 'kernel_changed': s.kernel = e.kernel; return;
      case 'save_changed': s.save = e.save; return;
      case 'renamed': s.notebook = e.notebook; return;
      case 'widget_opened': return this.#setWidget(e.widget_id, { kernel: e.kernel, state: e.state, buffers: e.buffers, closed: false });
      case 'widget_updated': return this.#update(e);
      case 'widget_closed': return this.#close(e.widget_id, e.forget);
      case 'widget_said':
      case 'notice':
      case 'payload': return;
      default: return this.#inCell(e);
    }
  }

  #setWidget(id: WidgetId, widget: Widget | null): void {
    if (this.#state.widgets === this.#from.widgets) this.#state.widgets = { ...this.#from.widgets };
    const own: Record<string, Widget> = this.#state.widgets;
    if (widget) own[id] = widget;
    else delete own[id];
  }

  #update({ widget_id, state, buffers, origin }: Extract<Event, { type: 'widget_updated' }>): void {
    const old = this.#state.widgets[widget_id];
    if (!old || old.closed) return;
    const stays = (b: WidgetBuffer) => !Object.hasOwn(state, String(b.path[0])) && !buffers.some((n) => n.path[0] === b.path[0]);
    this.#setWidget(widget_id, { kernel: old.kernel, state: { ...old.state, ...state }, buffers: [...old.buffers.filter(stays), ...buffers], origin, closed: false });
  }

  #close(id: WidgetId, forget: boolean): void {
    const old = this.#state.widgets[id];
    if (old) this.#setWidget(id, forget ? null : { kernel: old.kernel, state: {}, buffers: [], closed: true });
  }

  /** The events that change one cell alone. */
  #inCell(e: Extract<Event, { type: 'cell_changed' | 'edited' | 'outputs_cleared' | 'output_set' | 'run_counted' }>): void {
    const old = this.#peek(e.cell_id);
    if (!old) return;
    switch (e.type) {
      case 'cell_changed': return this.#change(e);
      case 'edited': {
        const source = e.version === old.version + 1 ? applyChanges(old.source, e.changes) : null;
        if (source !== null) Object.assign(this.#cell(old), { source, version: e.version });
        return;
      }
      case 'outputs_cleared':
        if (this.#outputList(old).length > 0) this.#outputs.set(this.#cell(old).id, []);
        if (e.count && old.execution_count !== null) this.#cell(old).execution_count = null;
        return;
      case 'output_set': return this.#setOutput(old, e.output);
      case 'run_counted':
        if (old.run?.id === e.run_id) this.#cell(old).execution_count = e.execution_count;
    }
  }

  #peek(id: CellId): Cell | undefined {
    const i = this.#index.get(id);
    return i === undefined ? undefined : (this.#cells ?? this.#state.cells)[i];
  }

  #list(): Cell[] {
    return (this.#cells ??= [...this.#state.cells]);
  }

  /** This draft's own copy of the cell. */
  #cell(cell: Cell): Mutable<Cell> {
    const own = this.#own.get(cell.id);
    if (own) return own;
    const copy: Mutable<Cell> = { ...cell };
    const i = this.#index.get(cell.id);
    if (i !== undefined) this.#list()[i] = copy;
    this.#own.set(cell.id, copy);
    return copy;
  }

  #outputList(cell: Cell): readonly Output[] {
    return this.#outputs.get(cell.id) ?? cell.outputs;
  }

  #ownOutputs(cell: Cell): Output[] {
    this.#cell(cell);
    let list = this.#outputs.get(cell.id);
    if (!list) this.#outputs.set(cell.id, (list = [...cell.outputs]));
    return list;
  }

  #restructure(change: (cells: Cell[]) => void): void {
    const cells = this.#list();
    change(cells);
    this.#index = new Map(cells.map((c, i) => [c.id, i]));
  }

  #add(cell: Cell, index: number): void {
    this.#state.bin = without(this.#state.bin, (b) => b.cell_id === cell.id);
    if (this.#index.has(cell.id)) return;
    this.#restructure((cells) => cells.splice(clamp(index, cells.length), 0, cell));
    this.#own.delete(cell.id);
    this.#outputs.delete(cell.id);
  }

  #remove(id: CellId, at: number): void {
    const i = this.#index.get(id);
    if (i === undefined) return;
    this.#restructure((cells) => cells.splice(i, 1));
    this.#own.delete(id);
    this.#outputs.delete(id);
    this.#unqueue(id);
    this.#state.bin = [...this.#state.bin, { cell_id: id, at }].slice(-BIN_MAX);
  }

  #move(id: CellId, index: number): void {
    const i = this.#index.get(id);
    if (i === undefined) return;
    this.#restructure((cells) => {
      const moved = cells.splice(i, 1);
      cells.splice(clamp(index, cells.length), 0, ...moved);
    });
  }

  #unqueue(id: CellId): void {
    this.#state.queue = without(this.#state.queue, (q) => q === id);
  }

  #queue(id: CellId, run: Run, place: number): void {
    const cell = this.#peek(id);
    if (!cell) return;
    const queue = this.#state.queue.filter((q) => q !== id);
    queue.splice(clamp(place, queue.length), 0, id);
    this.#state.queue = queue;
    if (!cell.run || cell.run.state === 'done' || cell.run.id === run.id) this.#cell(cell).run = run;
  }

  #start(id: CellId, run: string, at: number): void {
    this.#unqueue(id);
    const cell = this.#peek(id);
    if (cell?.run && cell.run.id === run && cell.run.state !== 'done') this.#cell(cell).run = { ...cell.run, state: 'running', started_at: at };
  }

  /** A run that is shown as running is out of the queue already (its cell may wait there for the next run). */
  #end(e: Extract<Event, { type: 'run_done' }>): void {
    const cell = this.#peek(e.cell_id);
    if (!cell) return;
    if (!cell.run || cell.run.id !== e.run_id) return this.#unqueue(e.cell_id);
    if (cell.run.state === 'done') return;
    if (cell.run.state === 'queued') this.#unqueue(e.cell_id);
    const own = this.#cell(cell);
    const { reason: _, ...run } = cell.run;
    own.run = { ...run, state: 'done', status: e.status, ended_at: e.at, ...(e.reason === undefined ? {} : { reason: e.reason }) };
    if (typeof e.execution_count === 'number') own.execution_count = e.execution_count;
  }

  #prompt(prompt: Prompt, add: boolean): void {
    const prompts = this.#state.prompts;
    const i = prompts.findIndex((p) => p.request_id === prompt.request_id);
    if (i >= 0) this.#state.prompts = prompts.with(i, prompt);
    else if (add) this.#state.prompts = [...prompts, prompt];
  }

  #change(e: Extract<Event, { type: 'cell_changed' }>): void {
    const old = this.#peek(e.cell_id);
    if (!old) return;
    const cell = this.#cell(old);
    if (e.metadata) cell.metadata = e.metadata;
    if (e.attachments) {
      if (Object.keys(e.attachments).length > 0) cell.attachments = e.attachments;
      else delete cell.attachments;
    }
    if (!e.cell_type || e.cell_type === cell.type) return;
    cell.type = e.cell_type;
    if (cell.type === 'code') return;
    this.#outputs.set(cell.id, []);
    cell.run = null;
    cell.execution_count = null;
  }

  #setOutput(cell: Cell, output: Output): void {
    const list = this.#outputList(cell);
    const i = list.findLastIndex((o) => o.id === output.id);
    if (i < 0) this.#ownOutputs(cell).push(output);
    else if (output.rev > (list[i]?.rev ?? 0)) this.#ownOutputs(cell)[i] = output;
  }

  #put(e: Extract<Event, { type: 'text_put' }>): void {
    const waiting = this.#waiting;
    const joined = waiting && waiting.cell === e.cell_id && waiting.output === e.output_id ? joinPuts(waiting.text, waiting.put, e) : null;
    if (waiting && joined) {
      waiting.put = joined;
      return;
    }
    this.#putWaiting();
    const cell = this.#peek(e.cell_id);
    const text = cell && textOf(this.#outputList(cell), e.output_id);
    if (text && fits(text, e)) this.#waiting = { cell: e.cell_id, output: e.output_id, text, put: e };
  }

  #putWaiting(): void {
    if (!this.#waiting) return;
    const { cell: id, output: outputId, text, put } = this.#waiting;
    this.#waiting = null;
    const cell = this.#peek(id);
    if (!cell) return;
    const list = this.#outputList(cell);
    const i = list.findLastIndex((o) => o.id === outputId);
    const output = list[i];
    if (output?.kind !== 'stream') return;
    this.#ownOutputs(cell)[i] = { ...output, text: putText(text, put) };
  }
}

const indexes = new WeakMap<readonly Cell[], Map<CellId, number>>();

/** Where each cell stands; remembered with the list. */
export function indexOf(cells: readonly Cell[]): Map<CellId, number> {
  let index = indexes.get(cells);
  if (!index) indexes.set(cells, (index = new Map(cells.map((c, i) => [c.id, i]))));
  return index;
}

function clamp(index: number, max: number): number {
  return Math.min(Math.max(index, 0), max);
}

function without<T>(list: readonly T[], drop: (x: T) => boolean): readonly T[] {
  return list.some(drop) ? list.filter((x) => !drop(x)) : list;
}
