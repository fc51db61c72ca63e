import type { Clock, OpenSocket, SocketEvents } from './wire';
import type { Keep } from '../notebook/keep';

/** A clock that stands still until it is told to go on. */
export class FakeClock implements Clock {
  time = 1_700_000_000_000;
  chance = 0.5;
  #timers: { at: number; fn: () => void }[] = [];

  now(): number {
    return this.time;
  }
  random(): number {
    return this.chance;
  }
  after(ms: number, fn: () => void): () => void {
    const timer = { at: this.time + ms, fn };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((t) => t !== timer);
    };
  }
  /** Lets time pass; promises that became ready run between the timers. */
  async pass(ms: number): Promise<void> {
    const end = this.time + ms;
    await settled();
    for (;;) {
      const next = this.#timers.filter((t) => t.at <= end).sort((a, b) => a.at - b.at)[0];
      if (!next) break;
      this.#timers = this.#timers.filter((t) => t !== next);
      this.time = Math.max(this.time, next.at);
      next.fn();
      await settled();
    }
    this.time = end;
    await settled();
  }
  /** Time passed while nothing could run: a device asleep. */
  jump(ms: number): void {
    this.time += ms;
  }
}

/** After everything that is ready has run. */
export async function settled(): Promise<void> {
  for (let i = 0; i < 8; i++) await Promise.resolve();
}

/** The server's end of one connection. */
export class FakeSocket {
  readonly sent: string[] = [];
  closed: { code: number | undefined; reason: string | undefined } | null = null;
  readonly events: SocketEvents;
  constructor(events: SocketEvents) {
    this.events = events;
  }
  get frames(): Record<string, unknown>[] {
    return this.sent.map((s) => JSON.parse(s));
  }
  ofType(type: string): Record<string, unknown>[] {
    return this.frames.filter((f) => f['type'] === type);
  }
  say(frame: object): void {
    if (!this.closed) this.events.message(JSON.stringify(frame));
  }
  /** Opens and welcomes. */
  welcome(serverId = 's1', time = 1_700_000_000_000): void {
    this.events.open();
    this.say({ type: 'welcome', protocol: 1, server_id: serverId, version: '1', time, heartbeat_ms: 10_000, caps: [] });
  }
  drop(code = 1006, reason = ''): void {
    if (this.closed) return;
    this.closed = { code, reason };
    this.events.close(code, reason);
  }
}

/** Where all connections go; each is answered as `answer` says. */
export class FakeNetwork {
  readonly sockets: FakeSocket[] = [];
  answer: (socket: FakeSocket) => void = () => {};

  readonly open: OpenSocket = (events) => {
    const socket = new FakeSocket(events);
    this.sockets.push(socket);
    queueMicrotask(() => this.answer(socket));
    return {
      send: (data) => void socket.sent.push(data),
      close: (code, reason) => {
        socket.closed ??= { code, reason };
      },
    };
  };

  get last(): FakeSocket {
    const socket = this.sockets.at(-1);
    if (!socket) throw new Error('no connection was tried');
    return socket;
  }
}

export class MemoryKeep implements Keep {
  readonly map = new Map<string, string>();
  get(key: string): string | null {
    return this.map.get(key) ?? null;
  }
  set(key: string, value: string | null): void {
    if (value === null) this.map.delete(key);
    else this.map.set(key, value);
  }
  keys(prefix: string): readonly string[] {
    return [...this.map.keys()].filter((k) => k.startsWith(prefix));
  }
}

/** Ids that count, each source from a beginning of its own. */
let sources = 0;
export function countingIds(): { now(): number; random(bytes: Uint8Array<ArrayBuffer>): void } {
  let n = ++sources * 1_000_000;
  return {
    now: () => 1_700_000_000_000 + n,
    random(bytes) {
      n++;
      bytes.fill(0);
      new DataView(bytes.buffer).setUint32(bytes.length - 4, n);
    },
  };
}
