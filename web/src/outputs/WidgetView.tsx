import { useContext, useRef, useState } from 'react';
import type { CellId, DisplayOutput, ResultOutput, Widgets } from '../protocol/types';
import { heights } from '../ui/local';
import { useSignal, useSelected } from '../ui/useSignal';
import { KNOWN_MODULES } from './widgetWords';
import { Surroundings, type OutputSurroundings } from './context';
import { useNear } from './frameKit';
import { choose, WIDGET_VIEW } from './registry';
import { RichView } from './RichView';
import { WidgetFrame } from './WidgetFrame';

type Host = NonNullable<OutputSurroundings['widgets']>;
type Output = DisplayOutput | ResultOutput;

/** An output that shows a widget: drawn in a frame, or as text where its model is gone. */
export default function WidgetView({ cell, output }: { cell: CellId; output: Output }) {
  const { widgets } = useContext(Surroundings);
  const model = modelOf(output);
  if (!widgets) return <AsText output={output} why="Widgets are not shown here." />;
  return <Hosted host={widgets} cell={cell} output={output} model={model} />;
}

function Hosted({ host, cell, output, model }: { host: Host; cell: CellId; output: Output; model: string }) {
  const box = useRef<HTMLDivElement>(null);
  const near = useNear(box);
  const [undrawn, setUndrawn] = useState(false);
  const what = useSelected(host.widgets, (all) => stateOf(all, model));
  const whole = useSignal(host.ready).kind === 'ready';
  if (what === 'closed') return null;
  if (what === 'gone' && whole) return <AsText output={output} why="The kernel that made this widget is gone." />;
  if (what.startsWith('@')) return <AsText output={output} why={`This widget needs ${what.slice(1)}, which Runnel cannot draw yet.`} />;
  return (
    <>
      <div ref={box} className="out out-frame" style={{ minHeight: heights.get(output.id) || 40 }}>
        {near && what === 'known' && <WidgetFrame host={host} cell={cell} heightKey={output.id} root={model} onUndrawn={setUndrawn} />}
      </div>
      {undrawn && <Text output={output} />}
    </>
  );
}

function modelOf(output: Output): string {
  const value = output.data[WIDGET_VIEW];
  return typeof value === 'object' && value !== null && 'model_id' in value && typeof value.model_id === 'string' ? value.model_id : '';
}

/** `known`, `closed`, `gone`, or `@` and the module that is not there. */
function stateOf(all: Widgets, id: string): string {
  const models: Readonly<Record<string, Widgets[keyof Widgets]>> = all;
  const widget = models[id];
  if (!widget) return 'gone';
  if (widget.closed) return 'closed';
  const module = widget.state['_model_module'];
  return typeof module !== 'string' || KNOWN_MODULES.includes(module) ? 'known' : `@${module}`;
}

function AsText({ output, why }: { output: Output; why: string }) {
  return (
    <>
      <div className="out out-note muted">{why}</div>
      <Text output={output} />
    </>
  );
}

/** The output without its widget. */
function Text({ output }: { output: Output }) {
  const { [WIDGET_VIEW]: _, ...rest } = output.data;
  const choice = choose(rest);
  return choice && choice.lane === 'page' && <RichView choice={choice} value={rest[choice.mime]} metadata={output.metadata} />;
}
