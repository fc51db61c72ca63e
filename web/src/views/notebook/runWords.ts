/** A run in words. */
import type { Sending } from '../../notebook/model';
import type { Run, RunStatus } from '../../protocol/types';
import { clock, duration, ordinal } from '../../ui/words';

const ENDS: Record<RunStatus, string> = {
  ok: '',
  error: 'failed',
  interrupted: 'interrupted',
  kernel_died: 'the kernel died',
  lost: 'lost',
  cancelled: 'not run',
};

/** "0.18 s · 14:02", "failed · 0.2 s · 14:02". */
export function doneWords(run: Run, now: number): string {
  const end = run.status === 'kernel_died' && !run.started_at ? ENDS.cancelled : run.status ? ENDS[run.status] : '';
  const took = run.started_at && run.ended_at ? duration(run.ended_at - run.started_at) : '';
  const when = run.ended_at ? clock(run.ended_at, now) : '';
  return [end, took, when].filter(Boolean).join(' · ');
}

/** "queued, next", "queued, 2nd". */
export function queuedWords(place: number): string {
  return place <= 0 ? 'queued, next' : `queued, ${ordinal(place + 1)}`;
}

/** What a screen reader is told of a cell's state. */
export function stateWords(run: Run | Sending | null): string {
  if (run === null) return '';
  if (run.state === 'sending') return ', being sent';
  if (run.state === 'queued') return ', queued';
  if (run.state === 'running') return ', running';
  return run.status === 'ok' ? ', ran' : `, ${run.status ? ENDS[run.status] : ''}`;
}

/** What is said when a run ends. */
export function announcement(place: number, status: RunStatus, ms: number, ename?: string): string {
  const cell = `Cell ${place}`;
  if (status === 'ok') return `${cell} finished after ${duration(ms)}.`;
  if (status === 'error') return `${cell} failed${ename ? `: ${ename}` : ''}.`;
  if (status === 'interrupted') return `${cell} was interrupted.`;
  if (status === 'kernel_died') return `The kernel died while cell ${place} ran.`;
  if (status === 'cancelled') return `${cell} was taken out of the queue.`;
  return `The run of cell ${place} was lost.`;
}
