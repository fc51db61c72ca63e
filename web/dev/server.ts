/** A server in a few lines: answers each command as the real one would, for one notebook that lives as long as the page. */
import { ChangeSet, Text } from '@codemirror/state';
import type { SocketEvents, Socket } from '../src/connection/wire';
import type { CellId, Event, Run, RunId, State } from '../src/protocol/types';
import { fixture } from './fixture';

interface Message {
  readonly type: string;
  readonly [key: string]: unknown;
}

export class ScriptedServer {
  readonly #state: State;
  readonly #cells = new Map<string, { source: Text; version: number; count: number }>();
  #n: number;
  #sub = 'a';
  #events: SocketEvents | null = null;
  #queue: { id: CellId; run: string }[] = [];
  #running: { id: CellId; run: string } | null = null;
  #count = 8;
  #outputs = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(extra: number) {
    this.#state = fixture(extra);
    this.#n = this.#state.n;
    for (const cell of this.#state.cells) this.#cells.set(cell.id, { source: Text.of(cell.source.split('\n')), version: cell.version, count: 0 });
    this.#running = { id: 'ask' as CellId, run: 'rask' };
    this.#queue = [{ id: 'rates' as CellId, run: 'rq' }];
  }

  open(events: SocketEvents): Socket {
    this.#events = events;
    setTimeout(() => events.open());
    return { send: (data) => this.#receive(JSON.parse(data)), close: () => undefined };
  }

  /** Cuts the line; the page tries again. */
  cut(): void {
    this.#events?.close(1006, '');
  }

  emit(...events: Event[]): void {
    const from = this.#n + 1;
    this.#n += events.length;
    this.#send({ type: 'events', sub: this.#sub, notebook: this.#state.notebook, epoch: 'dev', from, n: this.#n, events });
  }

  #send(message: Message): void {
    const data = JSON.stringify(message);
    setTimeout(() => this.#events?.message(data), 2);
  }

  #receive(m: Message): void {
    if (m.type === 'hello') {
      this.#send({ type: 'welcome', protocol: 1, server_id: 's', version: 'dev', time: Date.now(), heartbeat_ms: 10_000, caps: [] });
      for (const sub of Array.isArray(m.subscriptions) ? m.subscriptions : []) this.#snapshot(sub.sub);
    } else if (m.type === 'subscribe') this.#snapshot(String(m.sub));
    else if (m.type === 'ping') this.#send({ type: 'ping', time: Date.now(), tops: { [this.#sub]: this.#n } });
    else if (m.type === 'request') this.#send({ type: 'response', req_id: m.req_id, matches: ['print', 'property', 'pow'], start: Number(m.cursor) - 1, end: m.cursor, metadata: {}, data: { 'text/plain': 'Docstring: scripted' } });
    else if (typeof m.cmd_id === 'string') {
      this.#command(m);
      this.#send({ type: 'ack', cmd_id: m.cmd_id, notebook: this.#state.notebook, status: 'accepted', n: this.#n });
    }
  }

  #snapshot(sub: string): void {
    this.#sub = sub;
    this.#send({ type: 'snapshot', sub, state: { ...this.#state, n: this.#n }, cells: this.#state.cells.length, more: false });
  }

  #command(m: Message): void {
    const id = m.cell_id as CellId;
    switch (m.type) {
      case 'edit':
        return this.#edit(m, id);
      case 'execute':
        return this.#queueRun(id, String(m.cmd_id));
      case 'run': {
        const ids = (m.cell_ids as CellId[] | undefined) ?? [...this.#cells.keys()].map((k) => k as CellId);
        ids.forEach((c, i) => this.#queueRun(c, `${String(m.cmd_id)}-${i}`));
        return;
      }
      case 'interrupt':
        return this.#finish('interrupted');
      case 'input_reply':
        this.emit({ type: 'prompt_closed', request_id: m.request_id as never, how: 'answered' });
        return this.#finish('ok');
      case 'cell_insert':
        this.#cells.set(id, { source: Text.of(String(m.source ?? '').split('\n')), version: 0, count: 0 });
        return this.emit({ type: 'cell_added', index: Number(m.index), cell: { id, type: m.cell_type as never, source: String(m.source ?? ''), version: 0, metadata: {}, execution_count: null, outputs: [], run: null } });
      case 'cell_delete':
        return this.emit({ type: 'cell_removed', cell_id: id, at: Date.now() });
      case 'cell_restore': {
        const cell = this.#cells.get(id);
        return this.emit({ type: 'cell_added', index: Number(m.index), cell: { id, type: 'code', source: cell?.source.toString() ?? '', version: cell?.version ?? 0, metadata: {}, execution_count: null, outputs: [], run: null } });
      }
      case 'cell_move':
        return this.emit({ type: 'cell_moved', cell_id: id, index: Number(m.index) });
      case 'cell_change':
        return this.emit({ type: 'cell_changed', cell_id: id, cell_type: m.cell_type as never, metadata: m.metadata as never });
      case 'clear_outputs':
        return this.emit({ type: 'outputs_cleared', cell_id: id, count: true });
      case 'save':
        return this.emit({ type: 'save_changed', save: { state: 'saved', since: Date.now() } });
    }
  }

  #edit(m: Message, id: CellId): void {
    const cell = this.#cells.get(id);
    if (!cell) return;
    cell.source = ChangeSet.fromJSON(m.changes).apply(cell.source);
    cell.version++;
    this.emit({ type: 'edited', cell_id: id, version: cell.version, changes: m.changes as never, cmd_id: m.cmd_id as never });
  }

  #queueRun(id: CellId, run: string): void {
    const waiting: Run = { id: run as RunId, state: 'queued', queued_at: Date.now() };
    this.emit({ type: 'run_queued', cell_id: id, run: waiting, place: this.#queue.length } as Event);
    this.#queue.push({ id, run });
    if (!this.#running) setTimeout(() => this.#next(), 20);
  }

  #next(): void {
    const next = this.#queue.shift();
    if (!next || this.#running) return;
    this.#running = next;
    const output = `s${++this.#outputs}` as never;
    this.emit(
      { type: 'run_started', cell_id: next.id, run_id: next.run as RunId, at: Date.now() },
      { type: 'run_counted', cell_id: next.id, run_id: next.run as RunId, execution_count: ++this.#count },
      { type: 'outputs_cleared', cell_id: next.id, count: false },
      { type: 'output_set', cell_id: next.id, output: { id: output, rev: 0, kind: 'stream', name: 'stdout', text: { head: '', tail: '', tail_at: 0, total: 0 } } },
    );
    this.#print(next.id, output, 0, 0);
  }

  #print(id: CellId, output: never, at: number, i: number): void {
    if (i === 12) return this.#finish('ok');
    const text = `line ${i} of what a scripted cell prints\n`;
    this.emit({ type: 'text_put', cell_id: id, output_id: output, at, text });
    this.#timer = setTimeout(() => this.#print(id, output, at + text.length, i + 1), 250);
  }

  #finish(status: 'ok' | 'interrupted'): void {
    const run = this.#running;
    clearTimeout(this.#timer);
    this.#running = null;
    if (run) this.emit({ type: 'run_done', cell_id: run.id, run_id: run.run as RunId, status, at: Date.now(), execution_count: this.#count, variables: { auc: { type: 'float', value: '0.8708' }, rates: { type: 'dict · 3', value: 'free, team, business' } } });
    this.#next();
  }
}
