/** Runs that follow one another, as one thing to tell of: from the first that starts until nothing runs or waits any more. */
import type { RunStatus } from '../../protocol/types';
import { count } from '../../ui/words';

export interface RunEnd<Id> {
  readonly cell: Id;
  readonly status: RunStatus;
  readonly ename?: string;
  readonly startedAt: number;
  readonly at: number;
}

export interface BatchEnd<Id> {
  readonly ms: number;
  /** The first run that went wrong; an interrupt is no fault. */
  readonly fault: RunEnd<Id> | null;
  readonly notRun: number;
}

export class Batch<Id> {
  #ends: RunEnd<Id>[] = [];

  add(end: RunEnd<Id>): void {
    this.#ends.push(end);
  }

  /** What came to its end since the last time; null when nothing did. */
  take(): BatchEnd<Id> | null {
    const ends = this.#ends;
    const last = ends.at(-1);
    this.#ends = [];
    if (!last) return null;
    const begins = ends.map((e) => e.startedAt).filter((at) => at > 0);
    return {
      ms: begins.length > 0 ? last.at - Math.min(...begins) : 0,
      fault: ends.find((e) => e.status === 'error' || e.status === 'kernel_died' || e.status === 'lost') ?? null,
      notRun: ends.filter((e) => e.status === 'cancelled').length,
    };
  }
}

/** "Cell 11 failed: ValueError. 16 cells were not run." */
export function faultWords(place: number, fault: Pick<RunEnd<unknown>, 'status' | 'ename' | 'startedAt'>, notRun: number): string {
  const what = fault.status === 'error' ? `Cell ${place} failed${fault.ename ? `: ${fault.ename}` : ''}.` : fault.status === 'lost' ? `The run of cell ${place} was lost.` : fault.startedAt > 0 ? `The kernel died while cell ${place} ran.` : `Cell ${place} was not run: there is no kernel.`;
  return notRun === 0 ? what : `${what} ${notRun === 1 ? '1 cell was' : `${count(notRun, 'cell')} were`} not run.`;
}
