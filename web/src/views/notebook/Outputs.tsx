import { useEffect, useRef, useState } from 'react';
import type { CellStore } from '../../notebook/store';
import { OutputArea } from '../../outputs';
import { useSelected, useSignal } from '../../ui/useSignal';
import { count } from '../../ui/words';
import { useNotebook } from './context';
import { outputsHidden, withOutputsHidden } from './outputsHidden';
import { openKernelMenu } from '../kernel/KernelChip';
import { PromptBox } from './Prompt';

/** What a cell has put out, with what it waits for, and what the kernel's death left. */
export function Outputs({ cell }: { cell: CellStore }) {
  const { store, cursor, find } = useNotebook();
  const outputs = useSignal(cell.outputs);
  const run = useSignal(cell.run);
  // What was found in them is seen.
  const looked = useSelected(find.found, () => find.current?.cell === cell.id && find.current.output !== null);
  const folded = useSelected(cell.metadata, outputsHidden) && !looked;
  const prompts = useSelected(store.prompts, (all) => all.filter((p) => p.cell_id === cell.id), sameItems);
  const stale = useStale(run?.state ?? 'none', outputs, run && 'id' in run ? run.id : null);
  const died = run?.state === 'done' && (run.status === 'kernel_died' || run.status === 'lost') ? run : null;
  const left = useHadOutput(outputs.length > 0, run?.state ?? 'none');
  if (outputs.length === 0 && prompts.length === 0 && !died && !left) return null;
  if (folded && prompts.length === 0) {
    return (
      <button
        type="button"
        className="out-folded"
        onClick={() => {
          store.change(cell.id, { metadata: withOutputsHidden(cell.metadata.get(), false) });
          cursor.focus(cell.id);
        }}
      >
        {count(outputs.length, 'output')} hidden
      </button>
    );
  }
  return (
    <OutputArea cell={cell} outputs={outputs} stale={stale} whole={looked}>
      {died && <Died reason={died.reason} status={died.status ?? 'lost'} began={died.started_at !== undefined} told={outputs.some((o) => o.kind === 'error' && o.ename === 'KernelDied')} again={() => cursor.focus(cell.id)} />}
      {prompts.map((p) => (
        <PromptBox key={p.request_id} prompt={p} />
      ))}
    </OutputArea>
  );
}

/** While a run has brought nothing yet, what is shown is of the run before. */
function useStale(state: string, outputs: readonly unknown[], run: string | null): boolean {
  const seen = useRef<{ run: string | null; outputs: readonly unknown[] }>({ run: null, outputs });
  if (state === 'done' || state === 'none') seen.current = { run: null, outputs };
  else if (seen.current.run === null) seen.current = { run: run ?? 'sending', outputs };
  const waiting = state === 'sending' || state === 'queued';
  return outputs.length > 0 && (waiting || (state === 'running' && seen.current.outputs === outputs && seen.current.run !== null && seen.current.run !== run));
}

/** True for a moment after outputs were cleared in a run, so that the area keeps its height. */
function useHadOutput(has: boolean, state: string): boolean {
  const [held, setHeld] = useState(has);
  useEffect(() => {
    if (has) {
      setHeld(true);
      return;
    }
    const timer = setTimeout(() => setHeld(false), 400);
    return () => clearTimeout(timer);
  }, [has]);
  return held && !has && state === 'running';
}

function sameItems<T>(a: readonly T[], b: readonly T[]): boolean {
  return a.length === b.length && a.every((x, i) => x === b[i]);
}

/** What a kernel left that died, and the way on. `told`: an output says it. */
function Died(props: { reason?: string; status: string; began: boolean; told: boolean; again: () => void }) {
  const { reason, status, began } = props;
  const { store } = useNotebook();
  const kernel = useSignal(store.kernel);
  const words = kernel.death && kernel.death.text === reason ? kernel.death.stderr : undefined;
  return (
    <div className="out out-died">
      {!props.told && (
        <div className="out-text">
          <b>{status === 'lost' ? 'The result of this run is lost' : began ? 'The kernel died in this cell' : 'This cell was not run'}</b>
          {reason ? `: ${reason}` : ''}
        </div>
      )}
      {!props.told && words && (
        <pre className="death-stderr mono" tabIndex={0} aria-label="What it said last">
          {words}
        </pre>
      )}
      {(kernel.state === 'dead' || kernel.state === 'none') && (
        <div className="died-ways">
          <button
            type="button"
            className="btn btn-line btn-small"
            onClick={() => {
              store.kernelRestart();
              props.again();
            }}
          >
            {began ? 'Start a new kernel' : 'Try again'}
          </button>
          {!began && (
            <button type="button" className="btn btn-line btn-small" onClick={openKernelMenu}>
              Choose another kernel
            </button>
          )}
        </div>
      )}
    </div>
  );
}
