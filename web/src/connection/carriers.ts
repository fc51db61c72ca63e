import { browserClock, ownUplink, whenLockFree } from './browser';
import { Hub, isFromHub, isToHub, type FromHub, type Member, type ToHub } from './hub';
import type { Carrier } from './page';
import { RemoteWire, type HubPort } from './remote';

/** The ways in which a page gets its line, best first: of one browser's pages all but the last share one socket. */
export function browserCarriers(pageId: string, lock: Promise<string | null>): readonly Carrier[] {
  return [workerCarrier(lock), leaderCarrier(pageId, lock), { name: 'own', open: () => ownUplink() }];
}

function workerCarrier(lock: Promise<string | null>): Carrier {
  return {
    name: 'worker',
    open(dead) {
      if (typeof SharedWorker === 'undefined') return null;
      try {
        const port = new WorkerPort(dead);
        const wire = new RemoteWire(port, browserClock, lock, () => {
          if (port.again()) {
            queueMicrotask(() => wire.rejoin());
            return true;
          }
          dead();
          return false;
        });
        return wire;
      } catch {
        return null;
      }
    },
  };
}

/**
 * A page's way to the shared worker. A worker lives in the process of some page and dies when that crashes, and nobody is told: one that has answered
 * before and says nothing is asked for anew. The browser then starts another, the same for pages that come later.
 */
class WorkerPort implements HubPort {
  readonly #failed: () => void;
  #port: MessagePort;
  #answered = false;
  #fn: (message: FromHub) => void = () => {};

  constructor(failed: () => void) {
    this.#failed = failed;
    this.#port = this.#open();
  }

  #open(): MessagePort {
    const worker = new SharedWorker(new URL('./worker.ts', import.meta.url), { type: 'module', name: 'runnel' });
    worker.onerror = () => this.#failed();
    worker.port.onmessage = (e: MessageEvent<unknown>) => {
      if (!isFromHub(e.data)) return;
      this.#answered = true;
      this.#fn(e.data);
    };
    return worker.port;
  }

  post(message: ToHub): void {
    this.#port.postMessage(message);
  }
  onMessage(fn: (message: FromHub) => void): void {
    this.#fn = fn;
  }
  close(): void {
    this.#port.close();
  }

  /** Asks for the worker anew; false when this one has never answered. */
  again(): boolean {
    if (!this.#answered) return false;
    this.#answered = false;
    this.post({ kind: 'bye' });
    this.close();
    this.#port = this.#open();
    return true;
  }
}

const LEADER = 'runnel-leader';
/** Who finds the leader silent waits up to so long before it leads itself, so that not all do at once. */
const TAKE_OVER_WITHIN = 1_000;

/**
 * Where there is no shared worker: one of the pages holds the line, and the lock that says so. When it goes, the next in the lock's
 * queue takes over; when it is there but says nothing (the browser has frozen it), its lock is taken from it.
 */
function leaderCarrier(pageId: string, lock: Promise<string | null>): Carrier {
  return {
    name: 'leader',
    open(dead) {
      if (typeof BroadcastChannel === 'undefined' || !navigator.locks) return null;
      const port = new PeerPort(new BroadcastChannel('runnel-line'), pageId);
      let silences = 0;
      const wire = new RemoteWire(port, browserClock, lock, () => {
        if (++silences === 1) {
          port.takeOver();
          return true;
        }
        port.close();
        dead();
        return false;
      });
      port.onHub = () => {
        silences = 0;
        wire.rejoin();
      };
      port.queue();
      return wire;
    },
  };
}

/**
 * A page among its peers: speaks to the hub in another page over a channel, or to its own when it leads. A leader that was frozen and
 * wakes hears late what was meant for it; that does no harm, because commands are applied once and events by their numbers.
 */
class PeerPort implements HubPort {
  /** Another hub is there, here or in another page. */
  onHub = () => {};
  readonly #channel: BroadcastChannel;
  readonly #pageId: string;
  readonly #end = new AbortController();
  readonly #members = new Map<string, Member>();
  #hub: Hub | null = null;
  #self: Member | null = null;
  #fn: (message: FromHub) => void = () => {};

  constructor(channel: BroadcastChannel, pageId: string) {
    this.#channel = channel;
    this.#pageId = pageId;
    channel.onmessage = (e: MessageEvent<unknown>) => this.#receive(e.data);
  }

  get over(): AbortSignal {
    return this.#end.signal;
  }
  onMessage(fn: (message: FromHub) => void): void {
    this.#fn = fn;
  }
  post(message: ToHub): void {
    if (this.#hub && this.#self) this.#hub.receive(this.#self, message);
    else if (!this.over.aborted) this.#channel.postMessage({ to: 'hub', from: this.#pageId, message });
  }
  close(): void {
    this.#end.abort();
    this.#waiting.abort();
    clearTimeout(this.#taking);
    this.#channel.close();
    this.#uplink?.close();
  }

  #uplink: ReturnType<typeof ownUplink> | null = null;
  #waiting = new AbortController();
  #taking: ReturnType<typeof setTimeout> | undefined;

  /** Waits until it is this page's turn to lead. */
  queue(): void {
    this.#waiting = new AbortController();
    this.#request({ signal: this.#waiting.signal });
  }

  /** Leads soon, unless another page does before. */
  takeOver(): void {
    this.#taking = setTimeout(() => {
      this.#waiting.abort();
      this.#request({ steal: true });
    }, Math.random() * TAKE_OVER_WITHIN);
  }

  #request(options: LockOptions): void {
    const held = () => {
      if (this.over.aborted) return undefined;
      this.#lead();
      return new Promise<void>((resolve) => this.over.addEventListener('abort', () => resolve(), { once: true }));
    };
    navigator.locks.request(LEADER, options, held).catch(() => this.#hub && !this.over.aborted && this.#deposed());
  }

  #lead(): void {
    this.#uplink = ownUplink();
    this.#hub = new Hub(this.#uplink);
    // As over a port: what is told now arrives after the present call.
    this.#self = { post: (message) => queueMicrotask(() => this.#fn(message)) };
    this.#channel.postMessage({ to: 'all' });
    this.onHub();
  }

  /** Another page took the lock: this one had said nothing for long. */
  #deposed(): void {
    this.#uplink?.close();
    this.#uplink = this.#hub = this.#self = null;
    this.#members.clear();
    this.queue();
    this.onHub();
  }

  #receive(data: unknown): void {
    if (typeof data !== 'object' || data === null || !('to' in data)) return;
    if (data.to === 'all') {
      clearTimeout(this.#taking);
      return this.onHub();
    }
    const message: unknown = 'message' in data ? data.message : null;
    if (data.to === this.#pageId && isFromHub(message)) return this.#fn(message);
    if (data.to !== 'hub' || !this.#hub || !('from' in data) || typeof data.from !== 'string' || !isToHub(message)) return;
    this.#hub.receive(this.#member(data.from, message), message);
  }

  #member(page: string, message: ToHub): Member {
    const known = this.#members.get(page);
    const member: Member = known ?? { post: (m) => !this.over.aborted && this.#channel.postMessage({ to: page, message: m }) };
    this.#members.set(page, member);
    if (message.kind === 'lock') {
      whenLockFree(message.name, () => {
        this.#members.delete(page);
        this.#hub?.leave(member);
      });
    }
    return member;
  }
}
