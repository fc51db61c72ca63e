import controlsCss from '@jupyter-widgets/controls/css/widgets-base.css?inline';
import luminoCss from '@jupyter-widgets/controls/css/lumino.css?inline';
import sliderCss from '@jupyter-widgets/controls/css/nouislider-custom.css?inline';
import { Widget } from '@lumino/widgets';
import widgetCss from '@lumino/widgets/style/widget.css?inline';
import ansi from '../styles/ansi.css?inline';
import icons from './icons.css?inline';
import { FrameManager } from './manager';
import look from './look.css?inline';
import type { FromWidgets, ToWidgets } from '../outputs/widgetWords';

/**
 * What an output frame runs when it is to show a widget: the library of the notebook world for such models, and between it and the
 * page nothing but messages. Bundled apart from the page, fetched by it when the first widget is shown, run in the frame only.
 */
const style = document.createElement('style');
style.textContent = [widgetCss, sliderCss, luminoCss, controlsCss, icons, ansi, look].join('\n');
document.head.append(style);

const box = document.createElement('div');
box.className = 'item jupyter-widgets-box';
document.getElementById('all')?.append(box);

const waiting = new Map<number, () => void>();
let tokens = 0;
const manager = new FrameManager((message, done) => {
  const token = ++tokens;
  waiting.set(token, done);
  const said: FromWidgets = { kind: 'model', token, ...message };
  parent.postMessage({ runnel: 'frame', ...said }, '*');
});

/** Below a widget that a person could work with if its kernel lived; look.css says when. */
const gone = document.createElement('div');
gone.className = 'gone';
gone.textContent = 'The kernel that made this widget is gone. This is its last look.';
box.after(gone);

let root = '';
async function show(id: string): Promise<void> {
  if (root !== '') return;
  root = id;
  try {
    const model = await manager.get_model(id);
    model.on('undrawn', (undrawn: boolean) => parent.postMessage({ runnel: 'frame', kind: 'undrawn', undrawn }, '*'));
    const view = await manager.create_view(model);
    Widget.attach(view.luminoWidget, box);
  } catch (error) {
    box.textContent = `This widget cannot be drawn: ${error instanceof Error ? error.message : String(error)}`;
  }
}

addEventListener('message', (e: MessageEvent<ToWidgets>) => {
  if (e.source !== parent || e.data?.runnel !== 'frame') return;
  switch (e.data.kind) {
    case 'models':
      manager.take(e.data.models, e.data.closed);
      box.inert = !(e.data.models[e.data.root]?.live ?? !box.inert);
      void show(e.data.root);
      return;
    case 'model_said':
      manager.said(e.data.id, e.data.content, e.data.buffers);
      return;
    case 'model_sent':
      waiting.get(e.data.token)?.();
      waiting.delete(e.data.token);
  }
});
parent.postMessage({ runnel: 'frame', kind: 'widgets' }, '*');
