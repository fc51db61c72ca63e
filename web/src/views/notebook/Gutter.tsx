import { ChevronDown, ChevronRight, GripVertical, Play, Square } from 'lucide-react';
import { useCallback } from 'react';
import type { Sending } from '../../notebook/model';
import type { CellStore } from '../../notebook/store';
import type { CellType, Run } from '../../protocol/types';
import { Ticking } from '../../ui/Elapsed';
import { useSelected, useSignal } from '../../ui/useSignal';
import { wholeDuration } from '../../ui/words';
import { useServices } from '../context';
import { useNotebook } from './context';
import { beginDrag } from './drag';
import { headingLevel } from './headings';
import { doneWords, queuedWords } from './runWords';

/** Left of a cell: run or stop, and the execution count. */
export function Gutter({ cell, type, run, index }: { cell: CellStore; type: CellType; run: Run | Sending | null; index: number }) {
  if (type === 'markdown') return <FoldButton cell={cell} />;
  if (type === 'raw') return <div className="gutter" />;
  return <RunButton cell={cell} run={run} index={index} />;
}

/** Drags the cell, or all that are selected. For pointers only: keys have commands of their own. */
export function DragHandle({ cell }: { cell: CellStore }) {
  const notebook = useNotebook();
  return (
    <div
      className="grip"
      title="Drag to move (Ctrl Shift ↑ ↓)"
      aria-hidden="true"
      onMouseDown={(e) => e.stopPropagation()}
      onPointerDown={(e) => {
        e.preventDefault();
        beginDrag(e.nativeEvent, notebook, cell.id);
      }}
    >
      <GripVertical size={14} />
    </div>
  );
}

function RunButton({ cell, run, index }: { cell: CellStore; run: Run | Sending | null; index: number }) {
  const notebook = useNotebook();
  const n = useSignal(cell.executionCount);
  const busy = run !== null && run.state !== 'done';
  const title = run?.state === 'running' ? 'Interrupt' : run?.state === 'queued' ? 'Take out of the queue' : 'Run (Ctrl Enter)';
  return (
    <div className="gutter">
      <button type="button" className="play" tabIndex={-1} title={title} aria-label={`${title}: cell ${index + 1}`} onClick={() => notebook.toggleRun(cell.id)}>
        {busy ? <Square size={13} /> : <Play size={14} />}
      </button>
      <span className="count" aria-label={busy ? 'Running or queued' : n === null ? 'Not run' : `Run number ${n}`} role="img">
        {busy ? '[*]' : (n ?? '')}
      </span>
    </div>
  );
}

function FoldButton({ cell }: { cell: CellStore }) {
  const notebook = useNotebook();
  const level = useSelected(cell.source, headingLevel);
  const folded = useSelected(notebook.sections.folded, (f) => f.has(cell.id));
  if (level === 0) return <div className="gutter" />;
  const label = folded ? 'Unfold the section' : 'Fold the section';
  return (
    <div className={`gutter gutter-fold level-${level}${folded ? ' folded' : ''}`}>
      <button type="button" className="play" tabIndex={-1} title={label} aria-label={label} aria-expanded={!folded} onClick={() => notebook.sections.setFolded(cell.id, !folded)}>
        {folded ? <ChevronRight size={14} /> : <ChevronDown size={14} />}
      </button>
    </div>
  );
}

/** Right above the source: what the run does, or how long it took and when. */
export function Meta({ cell }: { cell: CellStore }) {
  const { store } = useNotebook();
  const { now, connection } = useServices();
  const run = useSignal(cell.run);
  const connected = useSignal(connection.connected);
  const unconfirmed = useSignal(cell.unconfirmed);
  const place = useSelected(store.queue, (queue) => queue.indexOf(cell.id));
  const prompt = useSelected(store.prompts, (all) => all.find((p) => p.cell_id === cell.id) ?? null);
  const startedAt = run?.state === 'running' ? (run.started_at ?? run.queued_at) : 0;
  const asked = prompt?.opened_at ?? 0;
  const elapsed = useCallback(() => wholeDuration(now() - startedAt), [now, startedAt]);
  const waits = useCallback(() => `waits for you · ${wholeDuration(now() - asked)}`, [now, asked]);
  // Also when its run has ended: a thread waits.
  if (prompt && (run?.state === 'running' || run?.state === 'done')) return <Ticking text={waits} className="meta meta-wait" />;
  if (run?.state === 'running') return <Ticking text={elapsed} className="meta meta-run" />;
  if (run?.state === 'queued') return <span className="meta">{queuedWords(place)}</span>;
  if (run?.state === 'sending') return <span className="meta">{connected ? 'queued' : 'not sent yet'}</span>;
  if (unconfirmed && !connected) return <span className="meta">edits not sent yet</span>;
  if (run?.state !== 'done') return null;
  const words = doneWords(run, now());
  return (
    <span className={`meta meta-${run.status}`} title={run.reason}>
      {words}
    </span>
  );
}
