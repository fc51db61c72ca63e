import * as base from '@jupyter-widgets/base';
import { ManagerBase } from '@jupyter-widgets/base-manager';
import * as controls from '@jupyter-widgets/controls';
import * as anywidget from './anywidget';
import { FrameComm, type Sender } from './comm';
import * as output from './output';
import type { ModelChange } from '../outputs/widgetWords';

/**
 * The widgets of one frame. The models live in the session; what is here is a copy of those that are shown, changed by the page's
 * messages. It makes no models of its own and knows only the modules that it was built with.
 */
export class FrameManager extends ManagerBase {
  readonly #comms = new Map<string, FrameComm>();
  readonly #sender: Sender;

  constructor(sender: Sender) {
    super();
    this.#sender = sender;
  }

  /** Applies what the page says. All models of one call may name each other. */
  take(models: Readonly<Record<string, ModelChange>>, closed: readonly string[]): void {
    for (const [id, change] of Object.entries(models)) {
      const comm = this.#comms.get(id);
      if (comm) comm.update(change);
      else this.#open(id, change);
    }
    for (const id of closed) {
      this.#comms.get(id)?.closed();
      this.#comms.delete(id);
    }
  }

  said(id: string, content: unknown, buffers: readonly ArrayBuffer[]): void {
    this.#comms.get(id)?.said(content, buffers);
  }

  #open(id: string, opened: ModelChange): void {
    const { state, buffers } = opened;
    const comm = new FrameComm(id, this.#sender, opened);
    this.#comms.set(id, comm);
    const own: Record<string, unknown> = { ...state };
    if (!isDict(own)) return;
    base.put_buffers(own, buffers.map((b) => [...b.path]), buffers.map((b) => new DataView(b.data)));
    const name = (key: string) => (typeof state[key] === 'string' ? state[key] : '');
    const options = { model_id: id, comm, model_name: name('_model_name'), model_module: name('_model_module'), model_module_version: name('_model_module_version') };
    this.new_model(options, own).catch((error: unknown) => console.error(`widget ${id}`, error));
  }

  protected override async loadClass(className: string, moduleName: string): Promise<typeof base.WidgetModel | typeof base.WidgetView> {
    const modules: Record<string, object> = { '@jupyter-widgets/base': base, '@jupyter-widgets/controls': controls, '@jupyter-widgets/output': output, anywidget };
    const found: unknown = Reflect.get(modules[moduleName] ?? {}, className);
    if (!isClass(found)) throw new Error(`Runnel does not have ${className} of ${moduleName}`);
    return found;
  }

  protected override _create_comm(): Promise<base.IClassicComm> {
    return Promise.reject(new Error('models are made by the kernel'));
  }
  protected override async _get_comm_info(): Promise<Record<string, never>> {
    return {};
  }
}

type Dict = Parameters<typeof base.put_buffers>[0];
/** What came in a message is JSON and buffers, as the library's type says. */
function isDict(value: Record<string, unknown>): value is Dict {
  return Object.keys(value).length >= 0;
}

function isClass(value: unknown): value is typeof base.WidgetModel {
  return typeof value === 'function';
}
