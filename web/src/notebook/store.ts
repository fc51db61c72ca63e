import type { Ack, Cell, CellId, Command, CommandBody, CommandId, Event, FeedFrame, Gone, JsonObject, Kernel, KernelResponse, Prompt, RequestId, Save, Snapshot, SnapshotPart, State, Widgets } from '../protocol/types';
import type { BinEntry } from '../protocol/types';
import { newCellId, newCommandId, type IdSource } from '../protocol/ids';
import { NotebookActions, type SubmitOptions } from './actions';
import { applyAll, indexOf } from './apply';
import { CellStore, sameJson } from './cell';
import { applyChanges } from './changes';
import { decodeDraft, type DocOutlet } from './doc';
import { Emitter } from './emitter';
import { HeldCommands } from './held';
import type { Keep } from './keep';
import type { Happenings, NotebookView, PendingCommand, Readiness, WidgetChange } from './model';
import { concerned, overlayCell, overlayIds, PendingList } from './pending';
import { sameList, signal, type Signal } from './signal';
import { addPart, emptyState } from './snapshot';
import { Puts } from './puts';

export { CellStore } from './cell';

/** Where a store's commands and questions go. */
export interface Outlet {
  /** Keeps the command until its ack, over reconnects; a secret one in memory only. */
  submit(command: Command, secret: boolean): void;
  /** Replaces a command that never left the page; false when it may have left. */
  amend(command: Command): boolean;
  request(what: { kind: 'complete' | 'inspect' | 'history'; code: string; cursor: number; detail?: number }, signal: AbortSignal): Promise<KernelResponse>;
}

export interface StoreParts {
  readonly path: string;
  readonly outlet: Outlet;
  readonly keep: Keep;
  /** False: what is kept cannot be read yet; recover() is called when it can. */
  readonly recovered?: boolean;
  readonly ids: IdSource;
  /** Calls fn once, soon: with the next frame of the screen, or at once when nobody looks. */
  readonly soon: (fn: () => void) => void;
}

/**
 * One notebook as this page knows it: a replica of the server's session, what waits for the server on top, and a channel for each
 * thing a view may show. Frames are fed in by the connection; they are applied together, once per frame of the screen.
 */
export class NotebookStore extends NotebookActions implements NotebookView {
  readonly name;
  readonly cellIds = signal<readonly CellId[]>([], sameList);
  readonly kernel = signal<Kernel>(emptyState.kernel, sameJson);
  readonly saveState = signal<Save>(emptyState.save, sameJson);
  readonly queue = signal<readonly CellId[]>([], sameList);
  readonly running = signal<readonly CellId[]>([], sameList);
  readonly prompts = signal<readonly Prompt[]>([], sameJson);
  readonly bin = signal<readonly BinEntry[]>([], sameJson);
  readonly metadata = signal<JsonObject>({}, sameJson);
  readonly widgets = signal<Widgets>(emptyState.widgets);
  /** Whether what was kept over a reload can be read. */
  readonly recovered;
  readonly ready = signal<Readiness>({ kind: 'loading' }, sameJson);
  readonly #parts: StoreParts;
  #state: State = emptyState;
  #growing: State | null = null;
  #loaded = false;
  readonly #cells = new Map<CellId, CellStore>();
  readonly #pending = new PendingList();
  readonly #held: HeldCommands;
  readonly #emitter = new Emitter<Happenings>();
  readonly #answered = new Set<RequestId>();
  readonly #secrets = new Map<RequestId, string>();
  readonly #changes = new Map<CommandId, (taken: boolean) => void>();
  #events: Event[] = [];
  #top = 0;
  #scheduled = false;
  /** Outputs of the first snapshot came that are not shown. */
  #grown = false;
  readonly #dirtyDocs = new Set<CellId>();
  readonly #unsaved = new Set<CellId>();
  #overlaid: ReadonlySet<CellId> = new Set();

  constructor(parts: StoreParts) {
    super();
    this.#parts = parts;
    this.recovered = signal(parts.recovered ?? true);
    this.name = signal(parts.path);
    this.#held = new HeldCommands(parts.keep, `held:${parts.path}`, (id) => this.#flushed(id));
  }

  get path(): string {
    return this.name.get();
  }
  get pending(): Signal<readonly PendingCommand[]> {
    return this.#pending.signal;
  }
  /** The replica, for those who only read. */
  get state(): State {
    return this.#state;
  }

  cell(id: CellId): CellStore | undefined {
    return this.#cells.get(id);
  }

  on<K extends keyof Happenings>(kind: K, fn: (what: Happenings[K]) => void): () => void {
    return this.#emitter.on(kind, fn);
  }

  // ---- what comes from the server

  /** Takes a frame of this notebook's subscription. The connection has checked that it follows the one before. */
  receive(frame: FeedFrame): void {
    switch (frame.type) {
      case 'snapshot':
        this.#events = [];
        this.#growing = frame.state;
        if (frame.more) this.#partly(frame.cells);
        else this.#whole();
        return;
      case 'snapshot_part': return this.#part(frame);
      case 'events':
        this.#events.push(...frame.events);
        this.#top = frame.n;
        return this.#schedule();
      case 'gone': return this.#gone(frame);
      case 'resume': return;
    }
  }

  acknowledge(ack: Ack): void {
    this.#pending.acked(ack);
    this.#schedule();
  }

  /** Takes up commands that a page before the reload had not seen acknowledged. */
  recover(commands: readonly Command[]): void {
    for (const c of commands) this.#pending.add(c, this.#parts.ids.now());
    this.#overlayAll();
    if (this.recovered.get()) return;
    this.recovered.set(true);
    if (this.#loaded) this.#restoreDrafts();
  }

  /** Applies what has come so far, now. */
  flush(): void {
    this.#scheduled = false;
    if (this.#grown && this.#growing) this.#replace(this.#growing);
    this.#grown = false;
    const events = this.#events;
    this.#events = [];
    if (events.length > 0 || this.#top > this.#state.n) this.#apply(events);
    this.#settle();
    this.#showDirtyDocs();
  }

  /** Writes down what is typed and not confirmed: before the page may go. */
  remember(): void {
    if (!this.recovered.get()) return;
    for (const id of this.#unsaved) {
      const draft = this.#cells.get(id)?.opened?.draft() ?? null;
      this.#parts.keep.set(`draft:${this.path}:${id}`, draft && JSON.stringify(draft));
    }
    this.#unsaved.clear();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#parts.soon(() => {
      if (this.#scheduled) this.flush();
    });
  }

  /** Shows the first cells of a notebook of which nothing is known yet. */
  preview(frame: Snapshot): void {
    if (this.ready.get().kind !== 'loading') return;
    this.ready.set({ kind: 'partial', cells: frame.cells });
    this.#replace(frame.state);
  }

  /** The first snapshot is shown while it grows; a later one replaces what is shown when it is whole. */
  #partly(cells: number): void {
    if (this.#loaded || !this.#growing) return;
    this.ready.set({ kind: 'partial', cells });
    this.#replace(this.#growing);
  }

  #part(part: SnapshotPart): void {
    if (!this.#growing) return;
    this.#growing = addPart(this.#growing, part);
    if (!part.more) return this.#whole();
    if (this.#loaded) return;
    if (part.cells && part.cells.length > 0) return this.#replace(this.#growing);
    this.#grown = true;
    this.#schedule();
  }

  #whole(): void {
    const state = this.#growing;
    if (!state) return;
    this.#growing = null;
    const first = !this.#loaded;
    this.#loaded = true;
    this.#top = state.n;
    this.#replace(state);
    for (const cell of state.cells) this.#cells.get(cell.id)?.opened?.reset(cell.source, cell.version);
    if (first && this.recovered.get()) this.#restoreDrafts();
    this.#settle();
    this.ready.set({ kind: 'ready' });
    this.#schedule();
  }

  #replace(state: State): void {
    this.#state = state;
    this.#overlayAll();
    this.#showNotebook();
  }

  #gone(gone: Gone): void {
    this.ready.set({ kind: 'gone', gone });
  }

  #apply(events: readonly Event[]): void {
    const before = this.#state;
    const after = applyAll(before, events);
    this.#state = { ...after, n: Math.max(this.#top, after.n) };
    const touched = new Set<CellId>();
    const was = indexOf(before.cells);
    const puts = new Puts((id) => before.cells[was.get(id) ?? -1]);
    for (const e of events) {
      if ('cell_id' in e && e.cell_id !== undefined) touched.add(e.cell_id);
      if (e.type === 'cell_added') touched.add(e.cell.id); // one that comes back has been shown before
      if (e.type === 'edited') this.#cells.get(e.cell_id)?.opened?.edited(e.version, e.changes, e.cmd_id);
      puts.see(e);
    }
    if (before.cells !== after.cells) {
      const index = indexOf(after.cells);
      for (const id of touched) {
        const cell = after.cells[index.get(id) ?? -1];
        if (cell) this.#cells.get(id)?.show(cell, overlayCell(cell, this.#pending.all), puts.of(id));
      }
      this.#list();
    }
    this.#showNotebook();
    for (const e of events) this.#happen(e, before);
  }

  #happen(e: Event, before: State): void {
    if (e.type === 'notice') this.#emitter.tell('notice', e);
    else if (e.type === 'payload') this.#emitter.tell('payload', e);
    else if (e.type === 'widget_said') this.#emitter.tell('widget_said', e);
    else if (e.type === 'run_done') this.#emitter.tell('run_done', e);
    else if (e.type === 'renamed') this.#emitter.tell('renamed', { from: before.notebook, to: e.notebook });
    else if (e.type === 'prompt_closed') {
      const prompt = before.prompts.find((p) => p.request_id === e.request_id);
      this.#emitter.tell('prompt_closed', { ...e, prompt, mine: this.#answered.has(e.request_id) });
      this.setPromptDraft(e.request_id, '');
    }
  }

  #showNotebook(): void {
    const s = this.#state;
    this.kernel.set(s.kernel);
    this.saveState.set(s.save);
    this.queue.set(s.queue);
    this.running.set(s.cells.filter((c) => c.run?.state === 'running').map((c) => c.id));
    this.prompts.set(s.prompts);
    this.bin.set(s.bin);
    this.metadata.set(s.metadata);
    this.widgets.set(s.widgets);
    if (s.notebook !== '') this.name.set(s.notebook);
  }

  // ---- what waits for the server

  #settle(): void {
    const acks = this.#pending.settle(this.#state.n);
    for (const ack of acks) {
      this.#changes.get(ack.cmd_id)?.(ack.status !== 'rejected');
      this.#changes.delete(ack.cmd_id);
      for (const cell of this.#cells.values()) {
        if (cell.opened?.inFlight === ack.cmd_id) cell.opened.acked(ack.cmd_id, ack.status, ack.code);
      }
    }
    if (acks.length > 0) this.#overlay();
  }

  /** Shows the list of cells, with stores for those that are new. */
  #list(): void {
    const index = indexOf(this.#state.cells);
    for (const cell of this.#state.cells) if (!this.#cells.has(cell.id)) this.#addCell(cell);
    const ids = this.#state.cells.map((c) => c.id);
    this.cellIds.set(overlayIds(ids, this.#pending.all, (id) => this.#cells.has(id)));
    if (this.#cells.size > 2 * ids.length + 100) {
      const shown = new Set(this.cellIds.get());
      for (const [id] of this.#cells) if (!index.has(id) && !shown.has(id)) this.#cells.delete(id);
    }
  }

  #addCell(cell: Cell): void {
    this.#cells.set(cell.id, new CellStore(cell, this.#docOutlet(cell.id)));
    this.#cells.get(cell.id)?.show(cell, overlayCell(cell, this.#pending.all));
  }

  /** Shows all cells anew: after a snapshot. */
  #overlayAll(): void {
    this.#overlaid = new Set(this.#state.cells.map((c) => c.id));
    this.#overlay();
  }

  /** Shows the cells that something waits for, and those that something waited for the last time. */
  #overlay(): void {
    const pending = this.#pending.all;
    for (const { body, rejected } of pending) {
      if (body.type === 'cell_insert' && !rejected && !this.#cells.has(body.cell_id)) this.#addCell(provisional(body));
    }
    const now = concerned(pending, this.#state.cells);
    const index = indexOf(this.#state.cells);
    for (const id of new Set([...this.#overlaid, ...now])) {
      const cell = this.#state.cells[index.get(id) ?? -1];
      if (cell) this.#cells.get(id)?.show(cell, overlayCell(cell, pending));
    }
    this.#overlaid = now;
    this.#list();
  }

  #docOutlet(id: CellId): DocOutlet {
    const command = (cmd_id: CommandId, version: number, changes: PendingChanges): Command => ({ type: 'edit', cmd_id, notebook: this.path, cell_id: id, version, changes });
    return {
      send: (version, changes) => this.submit({ type: 'edit', cell_id: id, version, changes }),
      amend: (cmd, version, changes) => {
        const done = this.#parts.outlet.amend(command(cmd, version, changes));
        if (done) this.#pending.amend(cmd, { type: 'edit', cell_id: id, version, changes });
        return done;
      },
      again: (cmd, version, changes) => this.#resubmit(command(cmd, version, changes)),
      keep: (text) => this.#pending.keep(newCommandId(this.#parts.ids), id, text, this.#parts.ids.now()),
      changed: (sent) => {
        this.#dirtyDocs.add(id);
        this.#unsaved.add(id);
        if (sent) this.remember();
        this.#held.release(this.path, (c) => this.#parts.outlet.submit(c, false));
        this.#schedule();
      },
    };
  }

  #showDirtyDocs(): void {
    const index = indexOf(this.#state.cells);
    for (const id of this.#dirtyDocs) {
      const cell = this.#state.cells[index.get(id) ?? -1];
      const store = this.#cells.get(id);
      if (cell) store?.sourceChanged(overlayCell(cell, this.#pending.all));
      else store?.sourceChanged({ unconfirmed: true });
    }
    this.#dirtyDocs.clear();
    this.remember();
  }

  #flushed(id: CellId | null): boolean {
    if (id !== null) return this.#cells.get(id)?.opened?.flushed ?? true;
    for (const cell of this.#cells.values()) if (cell.opened && !cell.opened.flushed) return false;
    return true;
  }

  #restoreDrafts(): void {
    const prefix = `draft:${this.path}:`;
    for (const key of this.#parts.keep.keys(prefix)) {
      const draft = decodeDraft(parse(this.#parts.keep.get(key)));
      const cell = [...this.#cells.values()].find((c) => c.id === key.slice(prefix.length));
      if (draft && cell && !cell.doc.unconfirmed) cell.doc.restore(draft);
      else if (draft && draft.buffer !== null) this.#keepLost(key.slice(prefix.length), draft.base, draft.inFlight, draft.buffer);
      if (!cell) this.#parts.keep.set(key, null);
    }
    for (const command of this.#held.recover()) this.#pending.add(command, this.#parts.ids.now());
    this.#held.release(this.path, (c) => this.#parts.outlet.submit(c, false));
    this.#overlayAll();
  }

  /** A draft of a cell that is gone: its text is kept in `pending`. */
  #keepLost(id: string, base: string, ...steps: readonly PendingChanges[]): void {
    const text = steps.reduce<string>((t, step) => (step === null ? t : (applyChanges(t, step) ?? t)), base);
    const command = newCommandId(this.#parts.ids);
    const any = this.#state.cells.find((c) => c.id === id)?.id ?? newCellId(this.#parts.ids);
    this.#pending.keep(command, any, text, this.#parts.ids.now());
  }

  protected override submit(body: CommandBody, options?: SubmitOptions): CommandId {
    const cmd_id = newCommandId(this.#parts.ids);
    const command: Command = { ...body, cmd_id, notebook: this.path };
    this.#pending.add(command, this.#parts.ids.now());
    const wait = options?.after !== undefined && !(options.after === null ? this.#flushed(null) : options.after.every((id) => this.#flushed(id)));
    if (wait || (options?.after !== undefined && this.#held.any)) this.#held.add(command, options?.after ?? null);
    else this.#parts.outlet.submit(command, options?.secret ?? false);
    if (body.type !== 'edit' && body.type !== 'widget_change') this.#overlay();
    return cmd_id;
  }

  #resubmit(command: Command): void {
    this.#pending.add(command, this.#parts.ids.now());
    this.#parts.outlet.submit(command, false);
  }

  protected override newCellId(): CellId {
    return newCellId(this.#parts.ids);
  }

  dismiss(id: CommandId): void {
    this.#pending.drop(id);
    this.#overlay();
  }

  // ---- what a person asks for, beside NotebookActions

  /** Runs code as this cell: it becomes its source. A cell that is not there yet is put at the end. */
  executeCode(id: CellId, code: string): void {
    const cell = this.#cells.get(id);
    if (cell) cell.doc.replace(code);
    if (cell) this.execute(id);
    else this.submit({ type: 'execute', cell_id: id, code });
  }
  answer(request: RequestId, value: string): void {
    this.#answered.add(request);
    const secret = this.#state.prompts.find((p) => p.request_id === request)?.password ?? true;
    this.submit({ type: 'input_reply', request_id: request, value }, { secret });
  }
  /** A change of a widget's model by a person; `done` when the server has it, or has refused it. */
  changeWidget(cell: CellId, what: WidgetChange, done: (taken: boolean) => void): void {
    const secret = this.#state.widgets[what.widget_id]?.state['_model_name'] === 'PasswordModel';
    this.#changes.set(this.submit({ type: 'widget_change', cell_id: cell, ...what }, { secret }), done);
  }
  complete(_: CellId, code: string, cursor: number, signal: AbortSignal): Promise<KernelResponse> {
    return this.#parts.outlet.request({ kind: 'complete', code, cursor }, signal);
  }
  inspect(_: CellId, code: string, cursor: number, detail: number, signal: AbortSignal): Promise<KernelResponse> {
    return this.#parts.outlet.request({ kind: 'inspect', code, cursor, detail }, signal);
  }

  /** What was run before in the kernel, the oldest first. */
  async history(signal: AbortSignal): Promise<readonly string[]> {
    return (await this.#parts.outlet.request({ kind: 'history', code: '', cursor: 0 }, signal)).matches;
  }

  promptDraft(request: RequestId): string {
    return this.#secrets.get(request) ?? this.#parts.keep.get(`prompt:${request}`) ?? '';
  }
  setPromptDraft(request: RequestId, text: string): void {
    const secret = this.#state.prompts.find((p) => p.request_id === request)?.password ?? false;
    if (secret && text !== '') this.#secrets.set(request, text);
    else {
      this.#secrets.delete(request);
      this.#parts.keep.set(`prompt:${request}`, text === '' || secret ? null : text);
    }
  }
}

type PendingChanges = Parameters<DocOutlet['send']>[1];

function provisional(body: Extract<CommandBody, { type: 'cell_insert' }>): Cell {
  return { id: body.cell_id, type: body.cell_type, source: body.source ?? '', version: 0, metadata: body.metadata ?? {}, execution_count: null, outputs: [], run: null };
}

function parse(text: string | null): unknown {
  try {
    return text === null ? null : JSON.parse(text);
  } catch {
    return null;
  }
}
