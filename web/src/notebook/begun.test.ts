import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { begun } from './begun';
import type { Readiness } from './model';
import { signal } from './signal';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function waiting(kind: Readiness) {
  const ready = signal<Readiness>(kind);
  let over = false;
  void begun({ ready }, 100).then(() => (over = true));
  return { ready, over: () => over };
}

test('a notebook has begun when its first cells are there, at once when they are already', async () => {
  const { ready, over } = waiting({ kind: 'loading' });
  const early = waiting({ kind: 'partial', cells: 2 });
  await vi.advanceTimersByTimeAsync(99);
  expect([over(), early.over()]).toEqual([false, true]);
  ready.set({ kind: 'partial', cells: 2 });
  await vi.advanceTimersByTimeAsync(0);
  expect(over()).toBe(true);
  expect(vi.getTimerCount()).toBe(0);
});

test('one that does not come is not waited for', async () => {
  const { over } = waiting({ kind: 'loading' });
  await vi.advanceTimersByTimeAsync(100);
  expect(over()).toBe(true);
});
