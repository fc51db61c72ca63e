import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { afterFrame } from './frame';

let frames: (() => void)[] = [];
/** Makes a frame: what asked for it is called, and then it is drawn. */
const draw = () => frames.splice(0).forEach((fn) => fn());

beforeEach(() => {
  frames = [];
  vi.useFakeTimers();
  vi.stubGlobal('requestAnimationFrame', (fn: () => void) => frames.push(fn));
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test('what waits is called after the next frame, all of it, unless it was taken back', () => {
  const called: string[] = [];
  afterFrame(() => called.push('a'));
  afterFrame(() => called.push('b'))();
  afterFrame(() => called.push('c'));
  vi.runAllTimers();
  expect(called).toEqual([]);
  draw();
  expect(called).toEqual([]);
  vi.runAllTimers();
  expect(called).toEqual(['a', 'c']);
});

test('what comes when a frame is drawn already waits for the one after it', () => {
  const called: string[] = [];
  afterFrame(() => called.push('the first'));
  draw();
  const back = afterFrame(() => called.push('taken back'));
  afterFrame(() => called.push('the second'));
  vi.runAllTimers();
  expect(called).toEqual(['the first']);
  draw();
  back();
  vi.runAllTimers();
  expect(called).toEqual(['the first', 'the second']);
});
