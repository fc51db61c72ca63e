import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Seeker, type Port } from './seeker';
import type { Lane, Question, Result } from './work';

class FakePort implements Port {
  readonly asked: Question[] = [];
  ended = false;
  onmessage: Port['onmessage'] = null;
  onerror: Port['onerror'] = null;
  postMessage(question: Question): void {
    this.asked.push(question);
  }
  terminate(): void {
    this.ended = true;
  }
  ready(): void {
    this.onmessage?.({ data: 'ready' });
  }
  answer(i: number, results: readonly Result[], done = true): void {
    this.onmessage?.({ data: { n: this.asked[i]?.n ?? 0, results, done } });
  }
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function begin() {
  const ports: FakePort[] = [];
  const seeker = new Seeker(() => ports[ports.push(new FakePort()) - 1] ?? new FakePort(), () => performance.now());
  const told: string[] = [];
  const ask = (text: string, lane: Lane = 'find') =>
    seeker.ask({ lane, query: { text, cased: false, whole: false, regexp: true }, texts: [] }, { results: (r) => told.push(`${text}: ${r.map((x) => x.key).join()}`), ended: (why) => told.push(`${text} ended${why && `: ${why}`}`) });
  return { seeker, ports, told, ask };
}
const hit = (key: string): Result => ({ key, hits: [] });

describe('a seeker', () => {
  it('tells what a worker finds', () => {
    const { ports, told, ask } = begin();
    ask('a');
    ports[0]?.ready();
    ports[0]?.answer(0, [hit('x')], false);
    ports[0]?.answer(0, [hit('y')]);
    vi.advanceTimersByTime(60_000);
    expect(told).toEqual(['a: x', 'a: y', 'a ended']);
    expect(ports[0]?.ended).toBe(false);
  });
  it('ends a worker that is silent over its work, and begins another for the next question', () => {
    const { ports, told, ask } = begin();
    ask('(a+)+$');
    vi.advanceTimersByTime(60_000);
    expect(told).toEqual([]);
    ports[0]?.ready();
    vi.advanceTimersByTime(1_900);
    ports[0]?.answer(0, [hit('x')], false);
    vi.advanceTimersByTime(1_900);
    expect(told).toEqual(['(a+)+$: x']);
    vi.advanceTimersByTime(200);
    expect(told).toEqual(['(a+)+$: x', '(a+)+$ ended: takes too long']);
    expect(ports[0]?.ended).toBe(true);
    ask('b');
    ports[1]?.ready();
    ports[1]?.answer(0, [hit('y')]);
    expect(told.slice(2)).toEqual(['b: y', 'b ended']);
  });
  it('does not have a new question wait for one that it took the place of', () => {
    const { ports, told, ask } = begin();
    ask('m', 'mark');
    ports[0]?.ready();
    ask('(a+)+$');
    vi.advanceTimersByTime(500);
    ask('(a+)+$b');
    expect(ports[0]?.ended).toBe(true);
    expect(ports[1]?.asked.map((q) => q.query.text)).toEqual(['m', '(a+)+$b']);
    ports[1]?.ready();
    ports[1]?.answer(1, [hit('x')]);
    expect(told).toEqual(['(a+)+$b: x', '(a+)+$b ended']);
  });
  it('tells nothing of a question that another took the place of', () => {
    const { ports, told, ask } = begin();
    ask('a');
    ports[0]?.ready();
    ask('ab');
    ports[0]?.answer(0, [hit('x')]);
    ports[0]?.answer(1, [hit('y')]);
    expect(told).toEqual(['ab: y', 'ab ended']);
  });
  it('says that there is no worker', () => {
    const { ports, told, ask } = begin();
    ask('a');
    ports[0]?.onerror?.();
    expect(told).toEqual(['a ended: the search could not be loaded']);
  });
});
