import { DOMWidgetModel, DOMWidgetView, type IBackboneModelOptions } from '@jupyter-widgets/base';
import { copied, isAddress, OutOfReach, partsOf, reasonOf } from './afm';
import { call, hostOf, type Loaded } from './given';

/**
 * Widgets of the anywidget family: a model that brings the code of its view (`_esm`, the text of a module) and its style sheet
 * (`_css`). The code runs where it is put, in this frame: no page and no network can be reached from here.
 *
 * A model has one version of its code at a time: loaded, then initialized, then rendered by each view. A new `_esm` ends it.
 */
export class AnyModel extends DOMWidgetModel {
  #version: Version;

  constructor(attributes: object, options: IBackboneModelOptions) {
    super(attributes, options);
    this.#version = new Version(this);
    dress(this);
    this.on('change:_css', () => dress(this));
    this.on('change:_esm', () => {
      this.#version.end();
      this.#version = new Version(this);
      this.trigger('version');
    });
    this.once('destroy', () => this.#version.end());
  }

  get version(): Version {
    return this.#version;
  }

  override defaults(): Record<string, unknown> {
    const module = { _model_module: 'anywidget', _view_module: 'anywidget', _model_module_version: '', _view_module_version: '' };
    return { ...super.defaults(), ...module, _model_name: 'AnyModel', _view_name: 'AnyView', _esm: '', _css: '' };
  }

  /** The library's own makes JSON of everything; here bytes stay bytes. */
  override serialize(state: Parameters<DOMWidgetModel['serialize']>[0]): ReturnType<DOMWidgetModel['serialize']> {
    for (const key of Object.keys(state)) state[key] = copied(state[key]);
    return state;
  }
}

export class AnyView extends DOMWidgetView {
  #end = new AbortController();

  override render(): void {
    super.render();
    this.listenTo(this.model, 'version', () => void this.#draw());
    void this.#draw();
  }

  override remove(): unknown {
    this.#end.abort();
    return super.remove();
  }

  async #draw(): Promise<void> {
    const { model, el } = this;
    if (!(model instanceof AnyModel)) return;
    this.#end.abort();
    const { signal } = (this.#end = new AbortController());
    el.replaceChildren();
    model.trigger('undrawn', false);
    const seen = refused.length;
    try {
      const { parts } = await model.version.ready;
      await call(parts.render, model, signal, { el, host: hostOf(model, signal, (other) => (other instanceof AnyModel ? other.version.ready : null)) });
      const css = text(model, '_css');
      if (isAddress(css)) note(el, new OutOfReach(css));
    } catch (error) {
      const reason = await whyFailed(error, model, seen);
      if (signal.aborted) return;
      note(el, reason);
      model.trigger('undrawn', reason instanceof OutOfReach);
    }
  }
}

/** The addresses that the frame's policy has refused to code. */
const refused: string[] = [];
document.addEventListener('securitypolicyviolation', (e) => {
  if (/^(script|connect)-src/.test(e.effectiveDirective) && isAddress(e.blockedURI)) refused.push(e.blockedURI);
});

/** Why code has failed that began when so many addresses had been refused. A refusal may be told after what it lets fail. */
async function whyFailed(error: unknown, model: AnyModel, seen: number): Promise<Error> {
  if (error instanceof TypeError) await new Promise((done) => setTimeout(done, 100));
  return reasonOf(error, text(model, '_esm'), refused.slice(seen));
}

class Version {
  /** Loaded and initialized; what went wrong otherwise. */
  readonly ready: Promise<Loaded>;
  readonly #end = new AbortController();

  constructor(model: AnyModel) {
    this.ready = this.#start(model);
    this.ready.catch((error: unknown) => console.error('widget', error)); // the views show it
  }

  async #start(model: AnyModel): Promise<Loaded> {
    const seen = refused.length;
    try {
      const parts = await partsOf(await load(text(model, '_esm')));
      return { parts, exports: await call(parts.initialize, model, this.#end.signal) };
    } catch (error) {
      throw await whyFailed(error, model, seen);
    }
  }

  end(): void {
    this.#end.abort();
  }
}

function text(model: AnyModel, name: string): string {
  const value: unknown = model.get(name);
  return typeof value === 'string' ? value.trim() : '';
}

async function load(code: string): Promise<unknown> {
  if (isAddress(code)) throw new OutOfReach(code);
  const url = URL.createObjectURL(new Blob([code], { type: 'text/javascript' }));
  try {
    return await import(/* @vite-ignore */ url);
  } finally {
    URL.revokeObjectURL(url);
  }
}

/** One style sheet for all widgets of a class, the newest. */
function dress(model: AnyModel): void {
  const css = text(model, '_css');
  const name = text(model, '_anywidget_id');
  const there = [...document.head.querySelectorAll<HTMLStyleElement>('style[data-widget]')].find((sheet) => sheet.dataset['widget'] === name);
  const sheet = there ?? document.createElement('style');
  sheet.dataset['widget'] = name;
  sheet.textContent = isAddress(css) ? '' : css;
  document.head.append(sheet);
}

/** Says below what was drawn what went wrong. */
function note(el: HTMLElement, reason: Error): void {
  const box = document.createElement('div');
  box.className = reason instanceof OutOfReach ? 'note' : 'failed';
  box.textContent = reason instanceof OutOfReach ? reason.message : `This widget’s code failed: ${reason.name}: ${reason.message}`;
  el.append(box);
}
