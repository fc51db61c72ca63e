import { lazy, Suspense, useEffect, useLayoutEffect, useRef, useState, type ReactNode } from 'react';
import type { CellView, OutputView } from '../notebook/model';
import type { OutputId } from '../protocol/types';
import { ErrorView } from './ErrorView';
import { FrameView } from './FrameView';
import { choose, segments, type Choice, type Lane } from './registry';
import { RichView } from './RichView';
import { StreamView } from './StreamView';
import { heights } from '../ui/local';

/** Fetched with the first widget that is shown. */
const WidgetView = lazy(() => import('./WidgetView'));

const HOLD_MS = 400;
const AT_ONCE = 60;

/** All outputs of a cell, in order; `whole`: none of many is left out. `children` come after them: the prompt that waits. */
export function OutputArea(props: { cell: CellView; outputs: readonly OutputView[]; stale: boolean; whole?: boolean; children?: ReactNode }) {
  const { cell, outputs } = props;
  const ref = useRef<HTMLDivElement>(null);
  const [all, setAll] = useState(false);
  useHeldHeight(ref, outputs[0]?.id, props.stale);
  const hidden = all || props.whole ? 0 : Math.max(0, outputs.length - AT_ONCE * 2);
  const shown = hidden > 0 ? [...outputs.slice(0, AT_ONCE), ...outputs.slice(-AT_ONCE)] : outputs;
  const parts = segments(shown, laneOf);
  return (
    <div ref={ref} className={`outputs${props.stale ? ' stale' : ''}`}>
      {parts.map((part, i) => (
        <div key={part.items[0]?.id ?? i} className="out-part" data-outputs={part.items.map((o) => o.id).join(' ')}>
          {part.lane === 'frame' ? <FrameView sources={part.items.flatMap(frameSource)} /> : part.items.map((o) => <One key={o.id} cell={cell} output={o} />)}
        </div>
      ))}
      {hidden > 0 && (
        <button type="button" className="out-more" onClick={() => setAll(true)}>
          Show {hidden.toLocaleString('en')} more outputs in the middle
        </button>
      )}
      {props.children}
    </div>
  );
}

/** When outputs go, or others take their place, the height stays for a moment: what comes next usually comes at once, and nothing jumps. */
function useHeldHeight(ref: React.RefObject<HTMLDivElement | null>, first: OutputId | undefined, stale: boolean): void {
  const before = useRef({ first, height: 0 });
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  // Read when a run begins and before outputs leave the page, so that nothing has to be watched. Text leaves it before.
  if (first !== before.current.first) before.current.height = Math.max(before.current.height, ref.current?.offsetHeight ?? 0);
  useLayoutEffect(() => {
    if (stale) before.current.height = ref.current?.offsetHeight ?? 0;
  }, [ref, stale]);
  useLayoutEffect(() => {
    const el = ref.current;
    const { first: last, height } = before.current;
    before.current = { first, height: last === first ? height : 0 };
    if (!el || last === undefined || last === first || height === 0) return;
    el.style.minHeight = `${height}px`;
    clearTimeout(timer.current);
    timer.current = setTimeout(() => {
      el.style.minHeight = '';
    }, HOLD_MS);
  }, [ref, first]);
  useEffect(() => () => clearTimeout(timer.current), []);
}

function choiceOf(output: OutputView): Choice | null {
  return output.kind === 'display' || output.kind === 'result' ? choose(output.data, { charts: true }) : null;
}

function laneOf(output: OutputView): Lane {
  return choiceOf(output)?.lane ?? 'page';
}

function frameSource(output: OutputView) {
  const choice = choiceOf(output);
  if (!choice || (output.kind !== 'display' && output.kind !== 'result')) return [];
  return [{ id: output.id, rev: output.rev, mime: choice.mime, renderer: choice.renderer, value: output.data[choice.mime], plain: output.data['text/plain'] }];
}

function One({ cell, output }: { cell: CellView; output: OutputView }) {
  switch (output.kind) {
    case 'stream':
      return <StreamView id={output.id} name={output.name} feed={cell.text(output.id)} />;
    case 'error':
      return <ErrorView ename={output.ename} evalue={output.evalue} traceback={output.traceback} />;
    case 'input':
      return (
        <div className="out out-input">
          <span className="out-text">{output.prompt}</span>
          <span className="out-text out-answer">{output.password ? '••••••••' : output.value}</span>
        </div>
      );
    case 'display':
    case 'result': {
      const choice = choiceOf(output);
      if (!choice) return null;
      if (choice.renderer === 'widget') {
        return (
          <Suspense fallback={<div style={{ minHeight: heights.get(output.id) || 40 }} />}>
            <WidgetView cell={cell.id} output={output} />
          </Suspense>
        );
      }
      return <RichView choice={choice} value={output.data[choice.mime]} metadata={output.metadata} />;
    }
  }
}
