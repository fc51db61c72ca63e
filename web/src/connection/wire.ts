import type { Welcome } from '../protocol/types';

/** How a line to the server is, as the one who holds the socket knows it. */
export type WireStatus =
  | { readonly kind: 'connecting' }
  /** `line` is another one after each connection; `fallback`: why it is carried over plain HTTP, if it is. */
  | { readonly kind: 'up'; readonly line: number; readonly welcome: Welcome; readonly fallback: string | null }
  | { readonly kind: 'waiting'; readonly lastHeard: number; readonly retryAt: number; readonly tries: number }
  | { readonly kind: 'login' }
  | { readonly kind: 'reload' }
  | { readonly kind: 'refused'; readonly reason: string };

/** For whom an answer is, so that one line can serve many pages. */
export type Route = { readonly sub: string } | { readonly unsub: string } | { readonly id: string } | null;

/** A line to the server, one's own or shared. Messages are JSON texts: who only passes them on need not read them. */
export interface Wire {
  readonly status: WireStatus;
  onStatus(fn: (status: WireStatus) => void): () => void;
  onMessage(fn: (data: string) => void): () => void;
  /** Throws when the line is not up. */
  send(data: string, route: Route): void;
  /** Connects, or tries again at once. */
  connect(): void;
  /** Something happened after which the line may be dead or may be back: the page became visible, the network came back. */
  wake(): void;
  close(): void;
}

/** A socket, whatever carries it. Exactly one close is told, also for one that never opened. */
export interface Socket {
  send(data: string): void;
  close(code?: number, reason?: string): void;
}
export interface SocketEvents {
  open(): void;
  message(data: string): void;
  close(code: number, reason: string): void;
}
export type OpenSocket = (events: SocketEvents) => Socket;

export interface Clock {
  now(): number;
  after(ms: number, fn: () => void): () => void;
  random(): number;
}

/** The first field after `type`, without reading the rest: the server writes these two first. */
const head = /^\{"type":"([a-z_]+)"(?:,"(sub|cmd_id|req_id)":"([^"\\]*)")?/;

export interface Address {
  readonly type: string;
  readonly sub?: string;
  readonly id?: string;
}

/** What a message of the server is and for whom. */
export function addressOf(data: string): Address {
  const found = head.exec(data);
  const [, type = '', field, name] = found ?? [];
  if (type !== '' && (name !== undefined || type === 'ping' || type === 'error' || type === 'welcome')) {
    if (field === 'sub' && name !== undefined) return { type, sub: name };
    return name === undefined ? { type } : { type, id: name };
  }
  return slowly(data);
}

function slowly(data: string): Address {
  const value: unknown = JSON.parse(data);
  if (typeof value !== 'object' || value === null) return { type: '' };
  const field = (name: string): string | undefined => {
    const v: unknown = Reflect.get(value, name);
    return typeof v === 'string' ? v : undefined;
  };
  const sub = field('sub');
  const id = field('cmd_id') ?? field('req_id');
  return { type: field('type') ?? '', ...(sub === undefined ? {} : { sub }), ...(id === undefined ? {} : { id }) };
}
