import { decodeFrame } from '../protocol/messages';
import { CLOSE, PROTOCOL_VERSION, type ClientId, type Welcome } from '../protocol/types';
import { retryDelay } from './backoff';
import { addressOf, type Clock, type OpenSocket, type Socket, type Wire, type WireStatus } from './wire';

/** What a line needs of its surroundings. */
export interface UplinkParts {
  readonly clock: Clock;
  readonly clientId: ClientId;
  readonly openSocket: OpenSocket;
  /** The line over plain HTTP (P34). */
  readonly openFallback?: OpenSocket;
  /** Asks the server over HTTP whether it is there and knows us. */
  readonly check: () => Promise<'ok' | 'login' | 'unreachable'>;
}

const OPEN_WITHIN = 4_000;
const WELCOME_WITHIN = 5_000;
const SILENCE = 25_000;
const PROBE = 3_000;
/** A line that lived so long was a good one: the count of tries begins anew. */
const GOOD_AFTER = 10_000;
const RETRY_SOCKET = 60_000;
const AT_ONCE = 250;
const BLOCKED = 'WebSockets do not get through to the server: something on the way takes the Upgrade header out. Output comes over plain HTTP until they do.';

/** One attempt at a line, from the opening of its socket to its close. */
interface Attempt {
  socket: Socket | null;
  readonly carrier: 'socket' | 'fallback';
  /** Opened beside a fallback line that is up, to take its place. */
  readonly spare: boolean;
  opened: boolean;
  cancel: () => void;
}

/**
 * One line to the server that always comes back.
 *
 *     idle -> connecting -> up -> waiting -> connecting -> ...      close codes: login, reload, refused end the tries
 *
 * Lost lines are tried again with growing pauses and without end, and at once on wake() and connect(). Silence of 25 s ends
 * a line; after a wake() it must prove within 3 s that it lives. It passes messages on unread, but for welcome and ping.
 */
export class Uplink implements Wire {
  readonly #parts: UplinkParts;
  #status: WireStatus = { kind: 'connecting' };
  #current: Attempt | null = null;
  #spare: Attempt | null = null;
  #line = 0;
  #tries = 0;
  #blocked = 0;
  #upSince = 0;
  #lastHeard = 0;
  #lastSent = 0;
  #lastTry = -Infinity;
  #closed = false;
  #heartbeat = 10_000;
  #cancelRetry = () => {};
  #cancelBeat = () => {};
  #cancelProbe = () => {};
  #cancelSpare = () => {};
  readonly #onStatus = new Set<(status: WireStatus) => void>();
  readonly #onMessage = new Set<(data: string) => void>();

  constructor(parts: UplinkParts) {
    this.#parts = parts;
  }

  get status(): WireStatus {
    return this.#status;
  }
  onStatus(fn: (status: WireStatus) => void): () => void {
    this.#onStatus.add(fn);
    return () => void this.#onStatus.delete(fn);
  }
  onMessage(fn: (data: string) => void): () => void {
    this.#onMessage.add(fn);
    return () => void this.#onMessage.delete(fn);
  }

  send(data: string): void {
    if (this.#status.kind !== 'up' || !this.#current?.socket) throw new Error('not connected');
    this.#lastSent = this.#parts.clock.now();
    this.#current.socket.send(data);
  }

  connect(): void {
    if (this.#closed || this.#current) return;
    this.#cancelRetry();
    this.#try('socket');
  }

  wake(): void {
    if (this.#closed) return;
    if (this.#status.kind === 'up') return this.#probe();
    if (this.#current || this.#status.kind === 'reload') return;
    if (this.#parts.clock.now() - this.#lastTry < 1_000) return;
    this.connect();
  }

  close(): void {
    this.#closed = true;
    this.#cancelRetry();
    this.#drop(1000, 'the page goes');
  }

  #set(status: WireStatus): void {
    this.#status = status;
    for (const fn of [...this.#onStatus]) fn(status);
  }

  #try(carrier: Attempt['carrier'], spare = false): void {
    const { clock } = this.#parts;
    const open = carrier === 'socket' ? this.#parts.openSocket : this.#parts.openFallback;
    if (!open) return;
    const attempt: Attempt = { socket: null, carrier, spare, opened: false, cancel: () => {} };
    if (spare) this.#spare = attempt;
    else {
      this.#current = attempt;
      this.#lastTry = clock.now();
      this.#set({ kind: 'connecting' });
    }
    attempt.cancel = clock.after(OPEN_WITHIN, () => this.#end(attempt, 1006, 'no answer'));
    const mine = () => this.#current === attempt || this.#spare === attempt;
    attempt.socket = open({
      open: () => mine() && this.#opened(attempt),
      message: (data) => mine() && this.#message(attempt, data),
      close: (code, reason) => mine() && this.#end(attempt, code, reason),
    });
    if (!mine()) attempt.socket.close();
  }

  #opened(attempt: Attempt): void {
    attempt.opened = true;
    attempt.cancel();
    attempt.cancel = this.#parts.clock.after(WELCOME_WITHIN, () => this.#end(attempt, 1006, 'no welcome'));
    attempt.socket?.send(JSON.stringify({ type: 'hello', protocol: PROTOCOL_VERSION, client_id: this.#parts.clientId, subscriptions: [] }));
  }

  #message(attempt: Attempt, data: string): void {
    const { clock } = this.#parts;
    if (attempt === this.#current) {
      this.#lastHeard = clock.now();
      this.#cancelProbe();
    }
    const up = this.#status.kind === 'up' && attempt === this.#current;
    if (!up) return this.#greeted(attempt, data);
    for (const fn of [...this.#onMessage]) fn(data);
    // Timers of hidden pages are slow; the server's own pings drive ours too.
    if (clock.now() - this.#lastSent > this.#heartbeat * 0.9) this.#ping();
  }

  /** Everything before the welcome is ignored (P20). */
  #greeted(attempt: Attempt, data: string): void {
    if (addressOf(data).type !== 'welcome') return;
    const frame = decodeFrame(data);
    if (frame?.type !== 'welcome') return;
    attempt.cancel();
    if (attempt.spare) this.#replaceBy(attempt);
    this.#up(attempt, frame);
  }

  #replaceBy(attempt: Attempt): void {
    const old = this.#current;
    this.#spare = null;
    this.#current = attempt;
    old?.cancel();
    old?.socket?.close(1000, 'a WebSocket took over');
  }

  #up(attempt: Attempt, welcome: Welcome): void {
    const { clock } = this.#parts;
    this.#upSince = this.#lastHeard = this.#lastSent = clock.now();
    this.#heartbeat = Math.max(1_000, welcome.heartbeat_ms);
    this.#cancelSpare();
    if (attempt.carrier === 'socket') this.#blocked = 0;
    else this.#trySocketLater();
    this.#cancelBeat();
    this.#beat();
    this.#set({ kind: 'up', line: ++this.#line, welcome, fallback: attempt.carrier === 'fallback' ? BLOCKED : null });
  }

  #trySocketLater(): void {
    this.#cancelSpare = this.#parts.clock.after(RETRY_SOCKET, () => {
      if (!this.#spare) this.#try('socket', true);
      this.#trySocketLater();
    });
  }

  #beat(): void {
    const { clock } = this.#parts;
    this.#cancelBeat = clock.after(this.#heartbeat / 4, () => {
      const now = clock.now();
      if (now - this.#lastHeard > SILENCE) return this.#current && this.#end(this.#current, CLOSE.silent, 'nothing heard for 25 s');
      if (now - this.#lastSent >= this.#heartbeat) this.#ping();
      this.#beat();
    });
  }

  #ping(): void {
    if (this.#status.kind === 'up') this.send(JSON.stringify({ type: 'ping', time: this.#parts.clock.now() }));
  }

  #probe(): void {
    const attempt = this.#current;
    if (!attempt) return;
    this.#ping();
    this.#cancelProbe();
    const asked = this.#parts.clock.now();
    this.#cancelProbe = this.#parts.clock.after(PROBE, () => {
      if (this.#current !== attempt || this.#lastHeard > asked) return;
      // This device slept through the time the server had: ask once more.
      if (this.#parts.clock.now() - asked > 2 * PROBE) return this.#probe();
      this.#tries = 0;
      this.#end(attempt, CLOSE.silent, 'no answer to a probe', 0);
    });
  }

  #drop(code: number, reason: string): void {
    for (const attempt of [this.#current, this.#spare]) {
      attempt?.cancel();
      attempt?.socket?.close(code, reason);
    }
    this.#current = this.#spare = null;
    this.#cancelBeat();
    this.#cancelProbe();
    this.#cancelSpare();
  }

  /** An attempt or a line is over: closed by the server, given up here, or never opened. */
  #end(attempt: Attempt, code: number, reason: string, wait?: number): void {
    if (attempt.spare && attempt !== this.#current) {
      this.#spare = null;
      attempt.cancel();
      attempt.socket?.close();
      return;
    }
    const wasUp = this.#status.kind === 'up';
    const { clock } = this.#parts;
    this.#drop(code >= 4000 && code < 5000 ? code : 1000, reason);
    if (this.#closed) return;
    if (code === CLOSE.unauthorized) return this.#set({ kind: 'login' });
    if (code === CLOSE.reload) return this.#set({ kind: 'reload' });
    if (code === CLOSE.refused) return this.#set({ kind: 'refused', reason: reason || 'The server does not want this connection.' });
    if (wasUp && clock.now() - this.#upSince >= GOOD_AFTER) this.#tries = 0;
    this.#tries++;
    if (!attempt.opened && attempt.carrier === 'socket') return this.#askWhy();
    if (code === CLOSE.slow) return this.#retry(wait ?? AT_ONCE);
    this.#retry(wait ?? retryDelay(this.#tries, clock.random()));
  }

  /** A socket did not open, and a browser does not say why: the server answers over HTTP, or not. */
  #askWhy(): void {
    const { clock } = this.#parts;
    const wait = retryDelay(this.#tries, clock.random());
    const asked = clock.now();
    this.#retry(wait);
    void this.#parts.check().then((answer) => {
      if (this.#closed || this.#status.kind !== 'waiting' || this.#lastTry > asked) return;
      if (answer === 'login') {
        this.#cancelRetry();
        this.#set({ kind: 'login' });
        return;
      }
      if (answer !== 'ok') return;
      this.#blocked++;
      const slow = asked - this.#lastTry >= OPEN_WITHIN;
      if ((this.#blocked >= 2 || slow) && this.#parts.openFallback) {
        this.#cancelRetry();
        this.#try('fallback');
      } else if (this.#blocked === 1) this.#retry(AT_ONCE);
    });
  }

  #retry(wait: number): void {
    const { clock } = this.#parts;
    this.#cancelRetry();
    this.#cancelRetry = clock.after(wait, () => {
      if (!this.#current && !this.#closed) this.#try('socket');
    });
    this.#set({ kind: 'waiting', lastHeard: this.#lastHeard, retryAt: clock.now() + wait, tries: this.#tries });
  }
}
