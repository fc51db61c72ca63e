import { describe, expect, it } from 'vitest';
import { Batch, faultWords } from './batch';

const end = (cell: string, status: 'ok' | 'error' | 'cancelled' | 'interrupted', startedAt: number, at: number) => ({ cell, status, startedAt, at, ...(status === 'error' ? { ename: 'ValueError' } : {}) });

describe('Batch', () => {
  it('is one long run of many short ones', () => {
    const batch = new Batch<string>();
    for (let i = 0; i < 40; i++) batch.add(end(`c${i}`, 'ok', 1000 + i * 500, 1500 + i * 500));
    expect(batch.take()).toEqual({ ms: 20_000, fault: null, notRun: 0 });
    expect(batch.take()).toBeNull();
  });
  it('says what went wrong first, and how many were not run', () => {
    const batch = new Batch<string>();
    batch.add(end('a', 'ok', 1000, 2000));
    batch.add(end('b', 'error', 2000, 3000));
    for (const c of ['c', 'd']) batch.add(end(c, 'cancelled', 0, 3000));
    const told = batch.take();
    expect(told).toMatchObject({ ms: 2000, fault: { cell: 'b' }, notRun: 2 });
    expect(faultWords(2, told?.fault ?? { status: 'ok', startedAt: 0 }, told?.notRun ?? 0)).toBe('Cell 2 failed: ValueError. 2 cells were not run.');
  });
  it('takes an interrupt as no fault', () => {
    const batch = new Batch<string>();
    batch.add(end('a', 'interrupted', 1000, 2000));
    batch.add(end('b', 'cancelled', 0, 2000));
    expect(batch.take()).toEqual({ ms: 1000, fault: null, notRun: 1 });
  });
});
