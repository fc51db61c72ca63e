import type { ClientFrame, ServerFrame, Welcome } from '../protocol/types';
import type { Signal } from '../notebook/signal';
import type { NotebookStore } from '../notebook/store';

/** How the line to the server is, as a person is told it. */
export type Line =
  | { readonly kind: 'live' }
  | { readonly kind: 'connecting' }
  | { readonly kind: 'reconnecting'; readonly lastHeard: number; readonly retryAt: number; readonly tries: number }
  | { readonly kind: 'catching-up'; readonly behind: number }
  | { readonly kind: 'login' }
  | { readonly kind: 'reload' }
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'fallback'; readonly reason: string };

/** What a page has of the connection: the contract's manager, and the feeds of its notebooks. */
export interface PageConnection {
  readonly line: Signal<Line>;
  /** Whether messages can be sent now (live, catching up or over the fallback). */
  readonly connected: Signal<boolean>;
  /** The last welcome: the server's version, and its clock against ours. */
  readonly welcome: Signal<Welcome | null>;
  /** Server time minus page time, in ms, for timers. */
  readonly clockOffset: Signal<number>;
  /** How the socket is carried: a worker shared by all pages, a page elected by them, or this page's own. */
  readonly carrier: Signal<'worker' | 'leader' | 'own'>;
  connect(): void;
  /** Tries at once. */
  reconnect(): void;
  /** Sends a frame; throws when not connected. Commands go through the store, which keeps them until their ack. */
  send(frame: ClientFrame): void;
  on<T extends ServerFrame['type']>(type: T, handler: (frame: Extract<ServerFrame, { type: T }>) => void): () => void;
  /** The store of a notebook, subscribed. The same one for the same path until as many closes. */
  open(path: string): NotebookStore;
  close(store: NotebookStore): void;
  /** Ends everything; for pagehide and tests. */
  dispose(): void;
}
