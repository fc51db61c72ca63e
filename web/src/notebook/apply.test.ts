import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { list } from '../protocol/decode';
import { event, state } from '../protocol/messages';
import { HEAD_MAX, type Event } from '../protocol/types';
import { apply, applyAll } from './apply';
import { emptyText, putText } from './text';

const folder = join(import.meta.dirname, '../../../testdata/protocol/events');

describe('apply: as the server does', () => {
  test.each(readdirSync(folder))('%s', (name) => {
    const file = JSON.parse(readFileSync(join(folder, name), 'utf8'));
    const before = state(file.before, 'before');
    const frozen = JSON.stringify(before);
    const events = list(event)(file.events, 'events').filter((e): e is Event => e !== undefined);
    expect(events.length).toBe(file.events.length);
    let now = before;
    for (const e of events) {
      now = apply(now, e);
      expect(apply(now, e)).toEqual(now); // P24
    }
    expect(now).toEqual(state(file.after, 'after'));
    expect(applyAll(before, events)).toEqual(now);
    expect(JSON.stringify(before)).toBe(frozen);
  });
});

describe('putText', () => {
  const long = '0123456789'.repeat(20_000);
  const two = long + long;
  test.each([
    ['head fills before tail', [[0, long, 0], [200_000, long, 0]], { head: two.slice(0, HEAD_MAX), tail: two.slice(HEAD_MAX), tail_at: HEAD_MAX, total: 400_000 }],
    ['a pair at the border goes to the tail', [[0, two.slice(0, HEAD_MAX - 1) + '😀x', 0]], { head: two.slice(0, HEAD_MAX - 1), tail: '😀x', tail_at: HEAD_MAX - 1, total: HEAD_MAX + 2 }],
    ['back into the head', [[0, two, 0], [3, 'x', 0]], { head: '012x', tail: '', tail_at: 4, total: 4 }],
    ['tail dropped, then back into what was dropped', [[0, two + long, 500_000], [400_000, 'x', 0]], { head: two.slice(0, HEAD_MAX), tail: 'x', tail_at: 400_000, total: 400_001 }],
    ['past the end', [[0, 'ab', 0], [3, 'x', 0]], { head: 'ab', tail: '', tail_at: 2, total: 2 }],
    ['before the begin', [[0, 'ab', 0], [-1, 'x', 0]], { head: 'ab', tail: '', tail_at: 2, total: 2 }],
    ['between the halves of a pair', [[0, 'a😀', 0], [2, 'x', 0]], { head: 'a😀', tail: '', tail_at: 3, total: 3 }],
    ['between the halves of a pair of the tail', [[0, two.slice(0, HEAD_MAX) + '😀', 0], [HEAD_MAX + 1, 'x', 0]], { head: two.slice(0, HEAD_MAX), tail: '😀', tail_at: HEAD_MAX, total: HEAD_MAX + 2 }],
    ['skipped: the tail begins anew, later', [[0, two, 0], [300_000, 'end', 1_000_001, 700_000]], { head: two.slice(0, HEAD_MAX), tail: 'nd', tail_at: 1_000_001, total: 1_000_003 }],
    ['of the head nothing is skipped', [[0, 'ab', 0], [2, 'x', 0, 10]], { head: 'ab', tail: '', tail_at: 2, total: 2 }],
    ['past the end drops nothing', [[0, two, 0], [400_001, 'x', 300_000]], { head: two.slice(0, HEAD_MAX), tail: two.slice(HEAD_MAX), tail_at: HEAD_MAX, total: 400_000 }],
  ] as const)('%s', (_, puts, want) => {
    let t = emptyText;
    for (const [at, text, tail_at, skipped] of puts as readonly (readonly [number, string, number, number?])[]) t = putText(t, { at, text, tail_at, skipped });
    expect(t).toEqual(want);
  });
});
