import { addressOf, type Route, type Wire, type WireStatus } from './wire';

/** What a page says to the hub that holds the line. */
export type ToHub =
  | { readonly kind: 'join' }
  /** The page holds this Web Lock as long as it lives. Said when it holds it, which may be after it joined. */
  | { readonly kind: 'lock'; readonly name: string }
  | { readonly kind: 'send'; readonly data: string; readonly route: Route }
  /** So much of what was passed on has been read. */
  | { readonly kind: 'read'; readonly units: number }
  | { readonly kind: 'ping'; readonly id: number }
  | { readonly kind: 'wake' }
  | { readonly kind: 'connect' }
  | { readonly kind: 'bye' };

/** What the hub says to a page. */
export type FromHub =
  | { readonly kind: 'status'; readonly status: WireStatus }
  | { readonly kind: 'message'; readonly data: string }
  | { readonly kind: 'pong'; readonly id: number }
  /** The page did not read for long: its subscriptions were ended and it is to subscribe again. */
  | { readonly kind: 'stalled' };

/** Messages between parts of one build: their kind is enough to know them by. */
export function isToHub(v: unknown): v is ToHub {
  return hasKind(v, ['join', 'lock', 'send', 'read', 'ping', 'wake', 'connect', 'bye']);
}
export function isFromHub(v: unknown): v is FromHub {
  return hasKind(v, ['status', 'message', 'pong', 'stalled']);
}
function hasKind(v: unknown, kinds: readonly string[]): boolean {
  return typeof v === 'object' && v !== null && 'kind' in v && typeof v.kind === 'string' && kinds.includes(v.kind);
}

/** One page, as the hub sees it. */
export interface Member {
  post(message: FromHub): void;
}

/** What a page that does not read (frozen, in a debugger) may have waiting, in UTF-16 units, before its subscriptions end. */
export const UNREAD_MAX = 16 * 1024 * 1024;

interface Seat {
  readonly member: Member;
  readonly subs: Set<string>;
  unread: number;
  stalled: boolean;
}

/**
 * One line for many pages. Each page names its own subscriptions, commands and questions; the hub only remembers whose they are and
 * passes messages on unread. A page that is gone has its subscriptions ended; one that does not read is cut off from the
 * flood until it wakes.
 */
export class Hub {
  readonly #wire: Wire;
  readonly #seats = new Map<Member, Seat>();
  readonly #subs = new Map<string, Seat>();
  readonly #asked = new Map<string, Seat>();

  constructor(wire: Wire) {
    this.#wire = wire;
    wire.onStatus((status) => this.#status(status));
    wire.onMessage((data) => this.#message(data));
  }

  get members(): number {
    return this.#seats.size;
  }

  receive(member: Member, message: ToHub): void {
    if (message.kind === 'bye') return this.leave(member);
    const seat = this.#seat(member);
    switch (message.kind) {
      case 'join':
        member.post({ kind: 'status', status: this.#wire.status });
        return this.#wire.connect();
      case 'lock': return;
      case 'send': return this.#send(seat, message.data, message.route);
      case 'read':
        seat.unread = Math.max(0, seat.unread - message.units);
        return this.#relieve(seat);
      case 'ping': return member.post({ kind: 'pong', id: message.id });
      case 'wake': return this.#wire.wake();
      case 'connect': return this.#wire.connect();
    }
  }

  /** A page is gone, by its word or because its lock is free. */
  leave(member: Member): void {
    const seat = this.#seats.get(member);
    if (!seat) return;
    this.#seats.delete(member);
    this.#unsubscribe(seat);
    for (const [id, of] of this.#asked) if (of === seat) this.#asked.delete(id);
  }

  #seat(member: Member): Seat {
    let seat = this.#seats.get(member);
    if (!seat) this.#seats.set(member, (seat = { member, subs: new Set(), unread: 0, stalled: false }));
    return seat;
  }

  #send(seat: Seat, data: string, route: Route): void {
    if (this.#wire.status.kind !== 'up') return;
    if (route && 'sub' in route) {
      seat.subs.add(route.sub);
      this.#subs.set(route.sub, seat);
    } else if (route && 'unsub' in route) {
      seat.subs.delete(route.unsub);
      this.#subs.delete(route.unsub);
    } else if (route) this.#asked.set(route.id, seat);
    this.#wire.send(data, route);
  }

  #unsubscribe(seat: Seat): void {
    for (const sub of seat.subs) {
      this.#subs.delete(sub);
      if (this.#wire.status.kind === 'up') this.#wire.send(JSON.stringify({ type: 'unsubscribe', sub }), { unsub: sub });
    }
    seat.subs.clear();
  }

  #status(status: WireStatus): void {
    if (status.kind !== 'up') {
      this.#subs.clear();
      this.#asked.clear();
      for (const seat of this.#seats.values()) seat.subs.clear();
    }
    for (const seat of [...this.#seats.values()]) seat.member.post({ kind: 'status', status });
  }

  #message(data: string): void {
    const { sub, id } = addressOf(data);
    const seat = sub !== undefined ? this.#subs.get(sub) : id !== undefined ? this.#asked.get(id) : undefined;
    if (id !== undefined) this.#asked.delete(id);
    if (seat) return this.#pass(seat, data);
    if (sub === undefined && id === undefined) for (const s of [...this.#seats.values()]) this.#pass(s, data);
  }

  #pass(seat: Seat, data: string): void {
    if (seat.stalled) return;
    seat.unread += data.length;
    seat.member.post({ kind: 'message', data });
    if (seat.unread <= UNREAD_MAX) return;
    seat.stalled = true;
    this.#unsubscribe(seat);
    seat.member.post({ kind: 'stalled' });
  }

  #relieve(seat: Seat): void {
    if (seat.stalled && seat.unread < UNREAD_MAX / 2) seat.stalled = false;
  }
}
