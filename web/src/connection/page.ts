import { decodeFrame } from '../protocol/messages';
import { uuidv7, type IdSource } from '../protocol/ids';
import type { Ack, ClientFrame, Command, KernelResponse, Ping, ServerFrame, Welcome } from '../protocol/types';
import type { Keep } from '../notebook/keep';
import { NotebookStore } from '../notebook/store';
import { signal } from '../notebook/signal';
import { retryDelay } from './backoff';
import { Feed } from './feed';
import type { Line, PageConnection } from './model';
import { Outbox } from './outbox';
import { addressOf, type Clock, type Route, type Wire, type WireStatus } from './wire';

export type CarrierName = 'worker' | 'leader' | 'own';

/** A way to get a line; null when the browser has none of the kind. `dead` is called when the line's holder stopped answering. */
export interface Carrier {
  readonly name: CarrierName;
  open(dead: () => void): Wire | null;
}

export interface PageParts {
  readonly clock: Clock;
  readonly keep: Keep;
  readonly ids: IdSource;
  /** Names this page among those of the browser. */
  readonly pageId: string;
  readonly soon: (fn: () => void) => void;
  /** Calls fn once, when the browser has nothing more urgent to do; `spare` says whether it still has not. */
  readonly idle: (fn: (spare: () => boolean) => void) => void;
  /** In order of preference; the last one always opens. */
  readonly carriers: readonly Carrier[];
  /** Resolves when what is kept from before a reload is this page's to take up. */
  readonly recovered: Promise<void>;
  /** Asks over HTTP for the first frame of a notebook's snapshot (H9), which is there before the line is. */
  readonly first: (path: string) => Promise<string>;
  /** Visible, online, pageshow. */
  readonly onWake: (fn: () => void) => () => void;
  /** The page may go; `ends`: it does. */
  readonly onHide: (fn: (ends: boolean) => void) => () => void;
}

const LINGER = 60_000;
const REQUEST_WITHIN = 10_000;
/** UTF-16 units of messages that may wait while the first cells are drawn. */
const BEHIND_MAX = 8 * 1024 * 1024;

interface OpenNotebook {
  readonly store: NotebookStore;
  readonly feed: Feed;
  users: number;
  asked: number;
  troubles: number;
  stop: () => void;
}

type Handlers = { [T in ServerFrame['type']]?: Set<(frame: Extract<ServerFrame, { type: T }>) => void> };

/**
 * The connection of one page: the manager of the contract (connect, send, on) over whatever carries the line, with the notebooks
 * that it feeds and the commands that wait for their ack. Made once; a view that unmounts closes nothing.
 */
export class Page implements PageConnection {
  readonly line = signal<Line>({ kind: 'connecting' }, (a, b) => JSON.stringify(a) === JSON.stringify(b));
  readonly connected = signal(false);
  readonly welcome = signal<Welcome | null>(null);
  readonly clockOffset = signal(0);
  readonly carrier = signal<CarrierName>('own');
  readonly #parts: PageParts;
  readonly #outbox: Outbox;
  readonly #open = new Map<string, OpenNotebook>();
  readonly #handlers: Handlers = {};
  readonly #requests = new Map<string, (response: KernelResponse | Error) => void>();
  readonly #stops: (() => void)[] = [];
  #wire: Wire | null = null;
  #lineNumber: number | null = null;
  /** What came behind the first cells of a notebook of which nothing is drawn yet, in order. */
  #behind: string[] = [];
  #behindUnits = 0;
  #everUp = false;
  #lastHeard = 0;
  #tries = 0;
  #feeds = 0;

  constructor(parts: PageParts) {
    this.#parts = parts;
    this.#outbox = new Outbox(parts.keep, parts.clock, (command) => this.#sendText(JSON.stringify(command), { id: command.cmd_id }));
  }

  connect(): void {
    if (this.#stops.length > 0) return this.#wire?.connect();
    this.#stops.push(this.#parts.onWake(() => this.#wire?.wake()), this.#parts.onHide((ends) => this.#hide(ends)));
    this.#start(0);
    void this.#parts.recovered.then(() => this.#stops.length > 0 && this.#recover());
  }

  reconnect(): void {
    this.#wire?.connect();
    this.#wire?.wake();
  }

  send(frame: ClientFrame): void {
    this.#sendText(JSON.stringify(frame), routeOf(frame));
  }

  on<T extends ServerFrame['type']>(type: T, handler: (frame: Extract<ServerFrame, { type: T }>) => void): () => void {
    const set: Set<(frame: Extract<ServerFrame, { type: T }>) => void> = this.#handlers[type] ?? new Set();
    Object.assign(this.#handlers, { [type]: set });
    set.add(handler);
    return () => void set.delete(handler);
  }

  open(path: string): NotebookStore {
    const known = this.#open.get(path);
    if (known) {
      known.users++;
      known.stop();
      return known.store;
    }
    const store = new NotebookStore({
      path, recovered: false, keep: this.#parts.keep, ids: this.#parts.ids, soon: this.#parts.soon,
      outlet: {
        submit: (command, secret) => this.#outbox.add(command, secret),
        amend: (command) => this.#outbox.amend(command),
        request: (what, abort) => this.#request({ ...what, notebook: store.path }, abort),
      },
    });
    const feed = new Feed(`${this.#parts.pageId}.${++this.#feeds}`, path);
    const opened: OpenNotebook = { store, feed, users: 1, asked: -Infinity, troubles: 0, stop: () => {} };
    this.#open.set(path, opened);
    store.on('renamed', ({ to }) => this.#renamed(opened, to));
    if (this.#old) store.recover(this.#old.filter((c) => c.notebook === path));
    this.#ask(opened);
    if (!this.#everUp) void this.#preview(store);
    return store;
  }

  /** Shows the first cells while the line is being opened. What the line brings takes their place. */
  async #preview(store: NotebookStore): Promise<void> {
    try {
      const frame = decodeFrame(await this.#parts.first(store.path));
      if (frame?.type === 'snapshot') store.preview(frame);
    } catch {
      // The line says what is wrong.
    }
  }

  close(store: NotebookStore): void {
    const opened = this.#open.get(store.path);
    if (opened?.store !== store || opened.users === 0 || --opened.users > 0) return;
    this.#linger(opened);
  }

  dispose(): void {
    for (const stop of this.#stops.splice(0)) stop();
    for (const o of this.#open.values()) {
      o.stop();
      o.store.remember();
    }
    this.#wire?.close();
  }

  // ---- the line

  #start(index: number): void {
    const carrier = this.#parts.carriers[index];
    if (!carrier) return;
    let over = false;
    const next = () => {
      if (over) return;
      over = true;
      if (this.#wire === wire) this.#lost();
      this.#start(index + 1);
    };
    const wire = carrier.open(next);
    if (over) return;
    if (!wire) return next();
    this.#wire = wire;
    this.carrier.set(carrier.name);
    wire.onStatus((status) => this.#wire === wire && this.#status(status));
    wire.onMessage((data) => this.#wire === wire && this.#message(data));
    this.#status(wire.status);
    wire.connect();
  }

  #status(status: WireStatus): void {
    if (status.kind === 'waiting') {
      this.#lastHeard = status.lastHeard;
      this.#tries = status.tries;
    }
    if (status.kind !== 'up') this.#lost();
    else if (status.line !== this.#lineNumber) this.#up(status.line, status.welcome);
    this.#showLine();
  }

  #up(line: number, welcome: Welcome): void {
    this.#lineNumber = line;
    this.#everUp = true;
    this.#lastHeard = this.#parts.clock.now();
    this.clockOffset.set(welcome.time - this.#lastHeard);
    this.welcome.set(welcome);
    this.connected.set(true);
    for (const o of this.#open.values()) this.#ask(o);
    if (this.#old) this.#outbox.lineIs(line);
  }

  #lost(): void {
    if (this.#lineNumber === null) return;
    this.#lineNumber = null;
    this.#behind = [];
    this.connected.set(false);
    this.#outbox.lineIs(null);
    for (const o of this.#open.values()) o.feed.lost();
    for (const [id, answer] of this.#requests) {
      this.#requests.delete(id);
      answer(new Error('the line was lost'));
    }
  }

  #showLine(): void {
    const status = this.#wire?.status;
    this.line.set(status ? this.#lineOf(status) : { kind: 'connecting' });
  }

  #lineOf(status: WireStatus): Line {
    switch (status.kind) {
      case 'connecting':
        return this.#everUp || this.#tries > 0 ? { kind: 'reconnecting', lastHeard: this.#lastHeard, retryAt: 0, tries: this.#tries } : { kind: 'connecting' };
      case 'waiting': return { kind: 'reconnecting', lastHeard: status.lastHeard || this.#lastHeard, retryAt: status.retryAt, tries: status.tries };
      case 'up': {
        if (status.fallback !== null) return { kind: 'fallback', reason: status.fallback };
        const late = [...this.#open.values()].filter((o) => o.feed.n > 0 && (o.feed.phase === 'asking' || o.feed.phase === 'loading'));
        return late.length > 0 ? { kind: 'catching-up', behind: late.reduce((sum, o) => sum + o.feed.behind, 0) } : { kind: 'live' };
      }
      case 'login':
      case 'reload': return { kind: status.kind };
      case 'refused': return { kind: 'refused', reason: status.reason };
    }
  }

  #sendText(data: string, route: Route): void {
    if (!this.#wire || this.#lineNumber === null) throw new Error('not connected');
    this.#wire.send(data, route);
  }

  // ---- what comes

  #message(data: string): void {
    this.#lastHeard = this.#parts.clock.now();
    if (this.#behind.length === 0 && !this.#showsFirst()) return this.#take(data);
    if (this.#behind.length === 0) {
      this.#behindUnits = 0;
      this.#parts.idle((spare) => this.#takeBehind(spare));
    }
    this.#behind.push(data);
    this.#behindUnits += data.length;
    if (this.#behindUnits > BEHIND_MAX) this.#takeBehind(() => true);
  }

  /** Whether the first cells of a notebook are all that is known of it: they are to be drawn before more is read. */
  #showsFirst(): boolean {
    for (const o of this.#open.values()) if (o.feed.phase === 'loading' && o.store.ready.get().kind === 'partial') return true;
    return false;
  }

  #takeBehind(spare: () => boolean): void {
    do {
      const data = this.#behind.shift();
      if (data === undefined) return;
      this.#take(data);
    } while (spare() || !this.#showsFirst());
    if (this.#behind.length > 0) this.#parts.idle((still) => this.#takeBehind(still));
  }

  #take(data: string): void {
    let frame: ServerFrame | undefined;
    try {
      frame = decodeFrame(data);
    } catch (problem) {
      return this.#unreadable(data, problem);
    }
    if (!frame) return;
    this.#tell(frame);
    switch (frame.type) {
      case 'ack': return this.#acked(frame);
      case 'ping': return this.#ping(frame);
      case 'response':
        this.#requests.get(frame.req_id)?.(frame);
        return;
      case 'welcome':
      case 'error': return;
      default: return this.#feed(frame);
    }
  }

  #tell<T extends ServerFrame['type']>(frame: Extract<ServerFrame, { type: T }>): void {
    const type: T = frame.type;
    const set: Set<(frame: Extract<ServerFrame, { type: T }>) => void> | undefined = this.#handlers[type];
    for (const fn of [...(set ?? [])]) fn(frame);
  }

  #feed(frame: Extract<ServerFrame, { sub: string }>): void {
    const opened = this.#bySub(frame.sub);
    if (!opened) return;
    const verdict = opened.feed.check(frame);
    if (verdict === 'gap') return this.#askAgain(opened);
    if (verdict === 'skip') return;
    opened.store.receive(frame);
    if (frame.type !== 'events') this.#showLine();
    else opened.troubles = 0;
  }

  /** A message of a kind that should be known and cannot be read: what it said is asked for again, ever more slowly. */
  #unreadable(data: string, problem: unknown): void {
    console.error('a message of the server could not be read', problem);
    const opened = this.#bySub(addressOf(data).sub ?? '');
    if (!opened) return;
    opened.troubles++;
    this.#askAgain(opened);
  }

  #bySub(sub: string): OpenNotebook | undefined {
    for (const o of this.#open.values()) if (o.feed.sub === sub) return o;
    return undefined;
  }

  #ping(ping: Ping): void {
    this.clockOffset.set(ping.time - this.#parts.clock.now());
    for (const o of this.#open.values()) {
      const top = ping.tops[o.feed.sub];
      if (top !== undefined && o.feed.heard(top)) this.#askAgain(o);
    }
  }

  #acked(ack: Ack): void {
    if (!this.#outbox.acked(ack)) return;
    for (const o of this.#open.values()) o.store.acknowledge(ack);
  }

  // ---- subscriptions

  #ask(o: OpenNotebook): void {
    if (this.#lineNumber === null) return;
    o.asked = this.#parts.clock.now();
    const subscription = o.feed.ask();
    this.#sendText(JSON.stringify({ type: 'subscribe', ...subscription }), { sub: subscription.sub });
  }

  /** After a gap: at once, and not again and again. */
  #askAgain(o: OpenNotebook): void {
    const sub = o.feed.sub;
    const again = () => {
      if (this.#lineNumber === null || o.feed.sub !== sub) return;
      this.#sendText(JSON.stringify({ type: 'unsubscribe', sub }), { unsub: sub });
      this.#ask(o);
      this.#showLine();
    };
    const now = this.#parts.clock.now();
    const wait = o.troubles > 0 ? retryDelay(o.troubles, this.#parts.clock.random()) : 1_000;
    if (now - o.asked > wait) again();
    else this.#parts.clock.after(wait, again);
  }

  #renamed(o: OpenNotebook, to: string): void {
    this.#open.delete(o.feed.notebook);
    o.feed.notebook = to;
    this.#open.set(to, o);
  }

  /** Nobody looks at it any more. It stays a while, and as long as something of it waits for the server. */
  #linger(o: OpenNotebook): void {
    o.store.remember();
    o.stop = this.#parts.clock.after(LINGER, () => {
      if (o.store.pending.get().some((p) => !p.rejected)) return this.#linger(o);
      this.#open.delete(o.store.path);
      const sub = o.feed.sub;
      if (this.#lineNumber !== null && sub !== '') this.#sendText(JSON.stringify({ type: 'unsubscribe', sub }), { unsub: sub });
    });
  }

  // ---- questions, and what outlives the page

  #request(what: { kind: 'complete' | 'inspect' | 'history'; notebook: string; code: string; cursor: number; detail?: number }, abort: AbortSignal): Promise<KernelResponse> {
    const req_id = uuidv7(this.#parts.ids);
    return new Promise((resolve, reject) => {
      const cancel = this.#parts.clock.after(REQUEST_WITHIN, () => answer(new Error('no answer')));
      const answer = (response: KernelResponse | Error) => {
        cancel();
        this.#requests.delete(req_id);
        if (response instanceof Error) reject(response);
        else if (response.error !== undefined) reject(new Error(response.error));
        else resolve(response);
      };
      if (abort.aborted) return answer(new Error('aborted'));
      abort.addEventListener('abort', () => answer(new Error('aborted')), { once: true });
      this.#requests.set(req_id, answer);
      try {
        this.#sendText(JSON.stringify({ type: 'request', req_id, ...what }), { id: req_id });
      } catch (problem) {
        answer(problem instanceof Error ? problem : new Error('not connected'));
      }
    });
  }

  /** What the page before a reload had not seen acknowledged; null until that can be read. Nothing new is sent before it. */
  #old: readonly Command[] | null = null;

  #recover(): void {
    const old = (this.#old = this.#outbox.recover());
    for (const o of this.#open.values()) o.store.recover(old.filter((c) => c.notebook === o.store.path));
    if (this.#lineNumber !== null) this.#outbox.lineIs(this.#lineNumber);
  }

  #hide(ends: boolean): void {
    for (const o of this.#open.values()) {
      o.store.flush();
      o.store.remember();
    }
    if (ends) this.#wire?.close();
  }
}

function routeOf(frame: ClientFrame): Route {
  if (frame.type === 'subscribe') return { sub: frame.sub };
  if (frame.type === 'unsubscribe') return { unsub: frame.sub };
  if (frame.type === 'request') return { id: frame.req_id };
  return 'cmd_id' in frame ? { id: frame.cmd_id } : null;
}
