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
        const worker = new SharedWorker(new URL('./worker.ts', import.meta.url), { type: 'module', name: 'runnel' });
        worker.onerror = () => dead();
        const { port } = worker;
        const hubPort: HubPort = {
          post: (message) => port.postMessage(message),
          onMessage(fn) {
            port.onmessage = (e: MessageEvent<unknown>) => isFromHub(e.data) && fn(e.data);
          },
          close: () => port.close(),
        };
        return new RemoteWire(hubPort, browserClock, lock, dead);
      } catch {
        return null;
      }
    },
  };
}

const LEADER = 'runnel-leader';

/** Where there is no shared worker: one of the pages holds the line, and the lock that says so; when it goes, another takes over. */
function leaderCarrier(pageId: string, lock: Promise<string | null>): Carrier {
  return {
    name: 'leader',
    open(dead) {
      if (typeof BroadcastChannel === 'undefined' || !navigator.locks) return null;
      const channel = new BroadcastChannel('runnel-line');
      const port = new PeerPort(channel, pageId);
      const wire = new RemoteWire(port, browserClock, lock, () => {
        port.close();
        dead();
      });
      port.onHub = () => wire.rejoin();
      navigator.locks
        .request(LEADER, { signal: port.over }, () => {
          port.lead();
          wire.rejoin();
          return new Promise<void>((resolve) => port.over.addEventListener('abort', () => resolve(), { once: true }));
        })
        .catch(() => undefined);
      return wire;
    },
  };
}

/** A page among its peers: speaks to the hub in another page over a channel, or to its own when it leads. */
class PeerPort implements HubPort {
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
    this.#channel.close();
    this.#uplink?.close();
  }

  #uplink: ReturnType<typeof ownUplink> | null = null;

  lead(): void {
    if (this.over.aborted) return;
    this.#uplink = ownUplink();
    this.#hub = new Hub(this.#uplink);
    // As over a port: what is told now arrives after the present call.
    this.#self = { post: (message) => queueMicrotask(() => this.#fn(message)) };
    this.#channel.postMessage({ to: 'all' });
  }

  #receive(data: unknown): void {
    if (typeof data !== 'object' || data === null || !('to' in data)) return;
    if (data.to === 'all') return this.onHub();
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
