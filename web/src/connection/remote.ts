import type { FromHub, ToHub } from './hub';
import type { Clock, Route, Wire, WireStatus } from './wire';

/** A way to the hub and back: a worker's port, or a channel between pages. */
export interface HubPort {
  post(message: ToHub): void;
  onMessage(fn: (message: FromHub) => void): void;
  close(): void;
}

/** Asked again as soon as this is over. */
const ANSWER_WITHIN = 5_000;
const READ_STEP = 256 * 1024;

/**
 * The line of a hub, as a page uses it. Watches that the hub still answers; when it does not, `silent` is called: true means that another
 * hub will be there soon, else this line is over.
 */
export class RemoteWire implements Wire {
  readonly #port: HubPort;
  readonly #clock: Clock;
  readonly #lock: Promise<string | null>;
  readonly #silent: () => boolean;
  #status: WireStatus = { kind: 'connecting' };
  #line = 0;
  #unreported = 0;
  #pings = 0;
  #answered = 0;
  #closed = false;
  #cancel = () => {};
  readonly #onStatus = new Set<(status: WireStatus) => void>();
  readonly #onMessage = new Set<(data: string) => void>();

  /** `lock`: the name of the Web Lock that tells the hub when this page is gone, once it is held. */
  constructor(port: HubPort, clock: Clock, lock: Promise<string | null>, silent: () => boolean) {
    this.#lock = lock;
    this.#port = port;
    this.#clock = clock;
    this.#silent = silent;
    port.onMessage((message) => this.#receive(message));
    this.#join();
    this.#ask();
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

  send(data: string, route: Route): void {
    if (this.#status.kind !== 'up' || this.#closed) throw new Error('not connected');
    this.#port.post({ kind: 'send', data, route });
  }
  connect(): void {
    if (!this.#closed) this.#port.post({ kind: 'connect' });
  }
  wake(): void {
    if (this.#closed) return;
    this.#port.post({ kind: 'wake' });
    this.#cancel();
    this.#ask();
  }
  /** Another hub took over behind the same port. */
  rejoin(): void {
    if (this.#closed) return;
    this.#set({ kind: 'connecting' });
    this.#join();
    this.#cancel();
    this.#ask();
  }
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#cancel();
    this.#port.post({ kind: 'bye' });
    this.#port.close();
  }

  /** Without waiting for the lock: the line should be there by the time the page is drawn. */
  #join(): void {
    this.#port.post({ kind: 'join' });
    void this.#lock.then((name) => name !== null && !this.#closed && this.#port.post({ kind: 'lock', name }));
  }

  #set(status: WireStatus): void {
    // Numbered here, so that the lines of two hubs are not taken for one.
    this.#status = status.kind === 'up' ? { ...status, line: ++this.#line } : status;
    for (const fn of [...this.#onStatus]) fn(this.#status);
  }

  #receive(message: FromHub): void {
    if (this.#closed) return;
    switch (message.kind) {
      case 'status': return this.#set(message.status);
      case 'pong':
        this.#answered = message.id;
        return;
      case 'stalled':
        this.#report();
        // To those who use the line it looks like a new one: they subscribe again from where they are.
        return this.#set(this.#status);
      case 'message':
        this.#unreported += message.data.length;
        if (this.#unreported >= READ_STEP) this.#report();
        for (const fn of [...this.#onMessage]) fn(message.data);
    }
  }

  #report(): void {
    this.#port.post({ kind: 'read', units: this.#unreported });
    this.#unreported = 0;
  }

  #ask(): void {
    const id = ++this.#pings;
    const asked = this.#clock.now();
    this.#port.post({ kind: 'ping', id });
    this.#cancel = this.#clock.after(ANSWER_WITHIN, () => {
      if (this.#closed) return;
      if (this.#answered >= id) {
        if (this.#unreported > 0) this.#report();
        this.#ask();
      } else if (this.#clock.now() - asked > 2 * ANSWER_WITHIN) this.#ask();
      else if (this.#silent()) this.#ask();
      else {
        this.#closed = true;
        this.#port.close();
      }
    });
  }
}
