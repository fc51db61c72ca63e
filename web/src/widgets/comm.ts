import type { ICallbacks, IClassicComm } from '@jupyter-widgets/base';
import type { ModelBuffer, ModelChange } from './words';

/** Passes on what a person did; `done` is called when the server has it. */
export type Sender = (message: { id: string; state?: Record<string, unknown>; content?: unknown; buffers: ModelBuffer[] }, done: () => void) => void;

type Handler = (message: never) => void;

/**
 * The line of one model, as the library wants it: to the page in place of a kernel. The library has one message of a model under
 * way at a time and keeps the last value meanwhile; it goes on when it is told that the kernel is idle.
 */
export class FrameComm implements IClassicComm {
  readonly target_name = 'jupyter.widget';
  readonly #sender: Sender;
  #live: boolean;
  #onMessage: ((message: object) => void) | null = null;
  #onClose: ((message: object) => void) | null = null;
  #count = 0;

  constructor(readonly comm_id: string, sender: Sender, live: boolean) {
    this.#sender = sender;
    this.#live = live;
  }

  // ---- what the page says

  update({ state, buffers, live }: ModelChange): void {
    this.#live = live;
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
      this.#sender({ id: this.comm_id, state: data['state'], buffers: bytes.map((b, i) => ({ path: pathOf(paths[i]), data: b })) }, idle);
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
