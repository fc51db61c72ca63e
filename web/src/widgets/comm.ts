import type { ICallbacks, IClassicComm } from '@jupyter-widgets/base';
import type { ModelBuffer, ModelChange } from '../outputs/widgetWords';

/** Passes on what a person did; `done` is called when the server has it. */
export type Sender = (message: { id: string; state?: Record<string, unknown>; content?: unknown; buffers: ModelBuffer[] }, done: () => void) => void;

type Handler = (message: never) => void;

/**
 * The line of one model, as the library wants it: to the page in place of a kernel. The library has one message of a model under
 * way at a time and keeps the last value meanwhile; it goes on when it is told that the kernel is idle. Attributes that the page has
 * not named are the view's own affair, and stay here.
 */
export class FrameComm implements IClassicComm {
  readonly target_name = 'jupyter.widget';
  readonly #sender: Sender;
  #live: boolean;
  #onMessage: ((message: object) => void) | null = null;
  #onClose: ((message: object) => void) | null = null;
  #count = 0;
  readonly #names = new Set<unknown>();

  constructor(readonly comm_id: string, sender: Sender, opened: ModelChange) {
    this.#sender = sender;
    this.#live = opened.live;
    this.#learn(opened);
  }

  // ---- what the page says

  update(change: ModelChange): void {
    const { state, buffers, live } = change;
    this.#live = live;
    this.#learn(change);
    if (Object.keys(state).length === 0 && buffers.length === 0) return;
    const data = { method: 'update', state: { ...state }, buffer_paths: buffers.map((b) => [...b.path]) };
    this.#onMessage?.({ content: { data }, buffers: buffers.map((b) => new DataView(b.data)) });
  }
  said(content: unknown, buffers: readonly ArrayBuffer[]): void {
    this.#onMessage?.({ content: { data: { method: 'custom', content } }, buffers: buffers.map((b) => new DataView(b)) });
  }
  closed(): void {
    this.#onClose?.({});
  }

  #learn({ state, buffers }: ModelChange): void {
    for (const name of [...Object.keys(state), ...buffers.map((b) => b.path[0])]) this.#names.add(name);
  }

  // ---- what the library asks for

  open(): string {
    return '';
  }
  close(): string {
    return '';
  }
  on_msg(fn: Handler): void {
    this.#onMessage = (message) => Reflect.apply(fn, undefined, [message]);
  }
  on_close(fn: Handler): void {
    this.#onClose = (message) => Reflect.apply(fn, undefined, [message]);
  }

  send(data: unknown, callbacks?: ICallbacks, _metadata?: unknown, buffers?: ArrayBuffer[] | ArrayBufferView[]): string {
    const id = `${this.comm_id}-${++this.#count}`;
    const idle = () => callbacks?.iopub?.status?.(statusIdle());
    if (!this.#live || !isRecord(data)) {
      queueMicrotask(idle);
      return id;
    }
    const bytes = (buffers ?? []).map(bytesOf);
    if (data['method'] === 'custom') {
      this.#sender({ id: this.comm_id, content: data['content'], buffers: bytes.map((b) => ({ path: [], data: b })) }, idle);
    } else if (data['method'] === 'update' && isRecord(data['state'])) {
      const paths = Array.isArray(data['buffer_paths']) ? data['buffer_paths'] : [];
      const state = Object.fromEntries(Object.entries(data['state']).filter(([name]) => this.#names.has(name)));
      const kept = bytes.map((b, i) => ({ path: pathOf(paths[i]), data: b })).filter((b) => this.#names.has(b.path[0]));
      if (Object.keys(state).length + kept.length > 0) this.#sender({ id: this.comm_id, state, buffers: kept }, idle);
      else queueMicrotask(idle);
    } else {
      queueMicrotask(idle);
    }
    return id;
  }
}

type Status = Parameters<NonNullable<NonNullable<ICallbacks['iopub']>['status']>>[0];
/** The one message of a kernel that the library waits for: it reads nothing else of it. */
function statusIdle(): Status {
  return Object.assign(Object.create(null), { content: { execution_state: 'idle' } });
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function pathOf(value: unknown): (string | number)[] {
  return Array.isArray(value) ? value.filter((p) => typeof p === 'string' || typeof p === 'number') : [];
}

function bytesOf(buffer: ArrayBuffer | ArrayBufferView): ArrayBuffer {
  if (buffer instanceof ArrayBuffer) return buffer;
  const out = new Uint8Array(buffer.byteLength);
  out.set(new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength));
  return out.buffer;
}
