import type { DOMWidgetModel } from '@jupyter-widgets/base';
import type { Part } from './afm';

/** Calls a part. What it has listened to ends with the signal, and then its clean-up runs. */
export async function call(part: Part | undefined, model: DOMWidgetModel, signal: AbortSignal, more: object = {}): Promise<void> {
  if (!part || signal.aborted) return;
  const cleanUp = await part({ ...more, model: faceOf(model, signal), signal, experimental: { invoke: invoke.bind(null, model, signal) } });
  if (typeof cleanUp !== 'function') return;
  const run = () => void new Promise((done) => done(Reflect.apply(cleanUp, undefined, []))).catch((error: unknown) => console.error('widget', error));
  if (signal.aborted) run();
  else signal.addEventListener('abort', run, { once: true });
}

type Callback = (...args: unknown[]) => void;

/** The model as a widget's code sees it. */
function faceOf(model: DOMWidgetModel, signal: AbortSignal): object {
  const context = {};
  signal.addEventListener('abort', () => model.off(null, null, context), { once: true });
  return {
    get: model.get.bind(model),
    set: model.set.bind(model),
    save_changes: model.save_changes.bind(model),
    send: model.send.bind(model),
    on: (name: string, callback: Callback) => void model.on(name, callback, context),
    off: (name?: string | null, callback?: Callback | null) => void model.off(name, callback, context),
    widget_manager: model.widget_manager,
  };
}

type Content = Parameters<DOMWidgetModel['send']>[0];

/** Asks a method of the widget's class in the kernel (anywidget.experimental.command) and gives its answer. */
function invoke(model: DOMWidgetModel, ended: AbortSignal, name: string, msg: Content = null, options: { buffers?: ArrayBuffer[]; signal?: AbortSignal } = {}): Promise<[unknown, unknown]> {
  const id = crypto.getRandomValues(new Uint32Array(4)).join('-');
  const signal = AbortSignal.any([ended, ...(options.signal ? [options.signal] : [])]);
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const answered = (content: { id?: unknown; response?: unknown } | null, buffers: unknown) => {
      if (content?.id !== id) return;
      model.off('msg:custom', answered);
      resolve([content.response, buffers]);
    };
    model.on('msg:custom', answered);
    signal.addEventListener('abort', () => {
      model.off('msg:custom', answered);
      reject(signal.reason);
    });
    model.send({ id, kind: 'anywidget-command', name, msg }, undefined, options.buffers ?? []);
  });
}

