import { DOMWidgetModel, DOMWidgetView, type WidgetView } from '@jupyter-widgets/base';
import { choose, textOf } from '../outputs/registry';
import { draw } from './draw';

/** The Output widget: what the session has caught for it is its `outputs`, in the form of the notebook format. */
export class OutputModel extends DOMWidgetModel {
  override defaults(): Record<string, unknown> {
    return {
      ...super.defaults(), _model_name: 'OutputModel', _view_name: 'OutputView', _model_module: '@jupyter-widgets/output', _view_module: '@jupyter-widgets/output',
      _model_module_version: '1.0.0', _view_module_version: '1.0.0', msg_id: '', outputs: [],
    };
  }
}

export class OutputView extends DOMWidgetView {
  #drawn: readonly unknown[] = [];
  #children: WidgetView[] = [];

  override render(): void {
    super.render();
    this.el.classList.add('widget-output');
    this.listenTo(this.model, 'change:outputs', () => this.#show());
    this.#show();
  }

  override remove(): unknown {
    for (const child of this.#children) child.remove();
    return super.remove();
  }

  /** Draws what is new; what stands before it stays as it is. */
  #show(): void {
    const value: unknown = this.model.get('outputs');
    const outputs: readonly unknown[] = Array.isArray(value) ? value : [];
    let same = 0;
    while (same < outputs.length && same < this.#drawn.length && JSON.stringify(outputs[same]) === JSON.stringify(this.#drawn[same])) same++;
    while (this.el.children.length > same) this.el.lastElementChild?.remove();
    this.#drawn = outputs;
    for (const output of outputs.slice(same)) this.el.append(this.#draw(output));
  }

  #draw(output: unknown): HTMLElement {
    const box = document.createElement('div');
    box.className = 'captured';
    if (typeof output !== 'object' || output === null) return box;
    const get = (key: string): unknown => Reflect.get(output, key);
    const kind = get('output_type');
    if (kind === 'stream') draw(box, 'text', textOf(get('text')), get('name') === 'stderr');
    else if (kind === 'error') draw(box, 'text', Array.isArray(get('traceback')) && textOf(get('traceback')) !== '' ? asLines(get('traceback')) : `${textOf(get('ename'))}: ${textOf(get('evalue'))}`, true);
    else this.#rich(box, get('data'));
    return box;
  }

  #rich(box: HTMLElement, data: unknown): void {
    if (typeof data !== 'object' || data === null) return;
    const bundle: Record<string, unknown> = { ...data };
    const choice = choose(bundle);
    if (!choice) return;
    if (choice.renderer === 'widget') return void this.#nested(box, bundle[choice.mime]);
    draw(box, choice.renderer, textOf(bundle[choice.mime]), false, choice.mime);
  }

  async #nested(box: HTMLElement, value: unknown): Promise<void> {
    const id = typeof value === 'object' && value !== null && 'model_id' in value ? String(value.model_id) : '';
    try {
      const view = await this.create_child_view(await this.model.widget_manager.get_model(id));
      this.#children.push(view);
      box.append(view.el);
    } catch {
      draw(box, 'text', 'This widget is gone.', false);
    }
  }
}

function asLines(lines: unknown): string {
  return Array.isArray(lines) ? lines.map(textOf).join('\n') : '';
}
