import { newClientId, type IdSource } from '../protocol/ids';
import type { Keep } from '../notebook/keep';
import { httpLine } from './httpLine';
import { Uplink } from './uplink';
import type { Clock, OpenSocket } from './wire';

/** The browser's own clock, socket, storage and locks, in the shapes that the connection takes. Works in a page and in a worker. */

export const browserClock: Clock = {
  now: () => Date.now(),
  after(ms, fn) {
    const timer = setTimeout(fn, ms);
    return () => clearTimeout(timer);
  },
  random: () => Math.random(),
};

export const browserIds: IdSource = { now: () => Date.now(), random: (bytes) => void crypto.getRandomValues(bytes) };

const address = (path: string) => new URL(path, self.location.origin);

const openWebSocket: OpenSocket = (events) => {
  const url = address('/ws');
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  const socket = new WebSocket(url);
  let over = false;
  const end = (code: number, reason: string) => {
    if (over) return;
    over = true;
    events.close(code, reason);
  };
  socket.onopen = () => events.open();
  socket.onmessage = (e: MessageEvent<unknown>) => {
    if (!over && typeof e.data === 'string') events.message(e.data);
  };
  socket.onclose = (e) => end(e.code, e.reason);
  return {
    send: (data) => socket.send(data),
    // A socket on a dead network takes its time to close: it is over here and now.
    close(code, reason) {
      over = true;
      socket.close(code === undefined || code === 1000 || code >= 3000 ? (code ?? 1000) : 1000, reason);
    },
  };
};

async function check(): Promise<'ok' | 'login' | 'unreachable'> {
  try {
    const response = await fetch(address('/runnel/v1/status'), { credentials: 'same-origin', cache: 'no-store', redirect: 'manual', signal: AbortSignal.timeout(2_500) });
    if (response.ok) return 'ok';
    return response.status === 401 || response.status === 403 || response.type === 'opaqueredirect' ? 'login' : 'unreachable';
  } catch {
    return 'unreachable';
  }
}

/** A line of this page's, or this worker's, own. */
export function ownUplink(): Uplink {
  return new Uplink({
    clock: browserClock, clientId: newClientId(browserIds), openSocket: openWebSocket, check,
    openFallback: httpLine((url, init) => fetch(url, init), address('/runnel/v1/line').href),
  });
}

/** Holds a Web Lock for as long as this page lives; resolves when it is held, false when it is another's. Without locks: true. */
export async function holdLock(name: string, patience: number): Promise<boolean> {
  const locks: LockManager | undefined = navigator.locks;
  if (locks === undefined) return true;
  return new Promise((resolve) => {
    const forever = () => {
      resolve(true);
      return new Promise<never>(() => {});
    };
    locks.request(name, { signal: AbortSignal.timeout(patience) }, forever).catch(() => resolve(false));
  });
}

/** Calls fn when the page that holds this lock is gone. */
export function whenLockFree(name: string, fn: () => void): void {
  void navigator.locks?.request(name, () => fn());
}

const NAME = 'runnel.page';

/** ms to wait for the name of the page before: after a reload that page goes, if late; a duplicated tab's stays. */
const PATIENCE = 400;
const PATIENCE_RELOADED = 10_000;

function reloaded(): boolean {
  return performance.getEntriesByType('navigation').some((n) => n instanceof PerformanceNavigationTiming && n.type === 'reload');
}

/** sessionStorage under a name of this page's own: a duplicated tab copies the storage, but not the lock on the name. */
export class SessionKeep implements Keep {
  #prefix = '';

  /** Finds the name. Until then, and where there is no storage, nothing is kept. */
  async open(): Promise<void> {
    try {
      let name = sessionStorage.getItem(NAME);
      if (name === null || !(await holdLock(`runnel-keep-${name}`, reloaded() ? PATIENCE_RELOADED : PATIENCE))) {
        name = newClientId(browserIds);
        sessionStorage.setItem(NAME, name);
        await holdLock(`runnel-keep-${name}`, PATIENCE);
      }
      this.#prefix = `runnel:${name}:`;
    } catch {
      this.#prefix = '';
    }
  }

  get(key: string): string | null {
    return this.#prefix === '' ? null : sessionStorage.getItem(this.#prefix + key);
  }
  set(key: string, value: string | null): void {
    if (this.#prefix === '') return;
    try {
      if (value === null) sessionStorage.removeItem(this.#prefix + key);
      else sessionStorage.setItem(this.#prefix + key, value);
    } catch (problem) {
      console.warn('what is typed could not be kept over a reload', problem);
    }
  }
  keys(prefix: string): readonly string[] {
    if (this.#prefix === '') return [];
    const whole = this.#prefix + prefix;
    return Array.from({ length: sessionStorage.length }, (_, i) => sessionStorage.key(i) ?? '').filter((k) => k.startsWith(whole)).map((k) => k.slice(this.#prefix.length));
  }
}
