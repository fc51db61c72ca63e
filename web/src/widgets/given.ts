import type { WidgetModel } from '@jupyter-widgets/base';
import type { Part, Parts } from './afm';

/** Calls a part and gives what that gives. What it has listened to ends with the signal, and then its clean-up runs. */
export async function call(part: Part | undefined, model: WidgetModel, signal: AbortSignal, more: object = {}): Promise<unknown> {
  if (!part || signal.aborted) return undefined;
  const cleanUp = await part({ ...more, model: faceOf(model, signal), signal, experimental: { invoke: invoke.bind(null, model, signal) } });
  if (typeof cleanUp !== 'function') return cleanUp;
  const run = () => void new Promise((done) => done(Reflect.apply(cleanUp, undefined, []))).catch((error: unknown) => console.error('widget', error));
  if (signal.aborted) run();
  else signal.addEventListener('abort', run, { once: true });
  return undefined;
}

/** The code of a model, initialized: its parts, and what `initialize` has given for others. */
export interface Loaded {
  readonly parts: Parts;
  readonly exports: unknown;
}

const REF = 'anywidget:';

/**
 * What a view's code has of the widgets that traits of its model refer to, as "anywidget:<id>": their models, and the widgets themselves, which it
 * draws where it likes. All ends with the signal. `loaded` gives the code of a model, null for one that brings none.
 */
export function hostOf(model: WidgetModel, signal: AbortSignal, loaded: (of: WidgetModel) => Promise<Loaded> | null): object {
  const find = async (ref: unknown): Promise<WidgetModel> => {
    if (typeof ref !== 'string' || !ref.startsWith(REF)) throw new Error(`${JSON.stringify(ref)} refers to no widget`);
    return model.widget_manager.get_model(ref.slice(REF.length));
  };
  const host = {
    getModel: async (ref: unknown) => faceOf(await find(ref), signal),
    getWidget: async (ref: unknown) => {
      const child = await find(ref);
      const code = await loaded(child);
      if (!code) throw new Error(`${JSON.stringify(ref)} brings no code of its own`);
      const render = (into: { readonly el: HTMLElement; readonly signal?: AbortSignal }) => call(code.parts.render, child, into.signal ?? signal, { el: into.el, host }).then(() => undefined);
      return { exports: code.exports, render };
    },
  };
  return host;
}

type Callback = (...args: unknown[]) => void;

/** The model as a widget's code sees it. */
function faceOf(model: WidgetModel, signal: AbortSignal): object {
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

type Content = Parameters<WidgetModel['send']>[0];

/** Asks a method of the widget's class in the kernel (anywidget.experimental.command) and gives its answer. */
function invoke(model: WidgetModel, ended: AbortSignal, name: string, msg: Content = null, options: { buffers?: ArrayBuffer[]; signal?: AbortSignal } = {}): Promise<[unknown, unknown]> {
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

