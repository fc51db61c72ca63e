import { describe, expect, it } from 'vitest';
import type { Run, RunId } from '../../protocol/types';
import { announcement, doneWords, queuedWords } from './runWords';

const run = (over: Partial<Run>): Run => ({ id: 'r' as RunId, state: 'done', queued_at: 0, ...over });

describe('run words', () => {
  it('says how long and when', () => {
    const at = new Date(2026, 0, 5, 14, 2).getTime();
    expect(doneWords(run({ status: 'ok', started_at: at - 180, ended_at: at }), at + 5000)).toBe('0.18 s · 14:02');
    expect(doneWords(run({ status: 'error', started_at: at - 2000, ended_at: at }), at)).toBe('failed · 2.0 s · 14:02');
    expect(doneWords(run({ status: 'cancelled', ended_at: at }), at)).toBe('not run · 14:02');
  });
  it('says the place in the queue', () => expect([0, 1, 2].map(queuedWords)).toEqual(['queued, next', 'queued, 2nd', 'queued, 3rd']));
  it('tells results', () => expect(announcement(3, 'error', 10, 'KeyError')).toBe('Cell 3 failed: KeyError.'));
});
