import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { list, number, object, or, text } from '../protocol/decode';
import fc from 'fast-check';
import { emptyText, fits, joinPuts, putText, type Put } from './text';

const folder = join(import.meta.dirname, '../../../testdata/protocol/termtext');
const shape = object({ edits: list(object({ at: or(number, 0), text: or(text, '') })), text: or(text, '') });

describe('what the server makes of control characters arrives as text', () => {
  test.each(readdirSync(folder))('%s', (name) => {
    const file = shape(JSON.parse(readFileSync(join(folder, name), 'utf8')), name);
    const steps = file.edits.reduce((t, e) => putText(t, e), emptyText);
    expect(steps.head + steps.tail).toBe(file.text);
    // One at a time, all at once, and anything between are the same.
    for (let cut = 0; cut <= file.edits.length; cut++) {
      const first = file.edits.slice(0, cut).reduce((t, e) => putText(t, e), emptyText);
      const rest = file.edits.slice(cut);
      if (rest.length === 0) continue;
      const joined = rest.slice(1).reduce<Put | null>((put, e) => put && joinPuts(first, put, e), rest[0] ?? null);
      if (joined) expect(putText(first, joined)).toEqual(steps);
    }
  });
});

test('joinPuts: as one it does what both did', () => {
  const put = fc.record({ at: fc.nat(30), text: fc.constantFrom('', 'a', 'xyz', '😀', '\n', 'a longer one'), tail_at: fc.option(fc.nat(30), { nil: undefined }), skipped: fc.constantFrom(undefined, undefined, 7) });
  const far: (p: Put) => Put = (p) => ({ ...p, at: p.at + 300_000, tail_at: p.tail_at === undefined ? undefined : p.tail_at + 300_000 });
  const long = 'x'.repeat(300_000);
  fc.assert(fc.property(fc.constantFrom('', 'hello 😀 there'), put, put, fc.boolean(), (text, a, b, big) => {
    const start = putText(emptyText, { at: 0, text: (big ? long : '') + text });
    const [p, q] = big ? [far(a), far(b)] : [a, b];
    if (!fits(start, p)) return;
    const joined = joinPuts(start, p, q);
    if (!joined) return;
    const one = putText(putText(start, p), q);
    const got = putText(start, joined);
    const same = got.total === one.total && got.tail_at === one.tail_at && got.tail === one.tail && got.head === one.head;
    if (!same) throw new Error(`got tail ${got.tail} at ${got.tail_at} of ${got.total}, want ${one.tail} at ${one.tail_at} of ${one.total}`);
  }), { numRuns: 2_000 });
});
