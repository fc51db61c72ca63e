import { ChangeSet } from '@codemirror/state';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { applyChanges, applySet } from './changes';

/** The server rebases by the same rules as this version of CodeMirror: its cases hold here too, so a new version cannot change them unnoticed. */
test('change sets: apply, map and compose as the server has them', () => {
  const cases: unknown = JSON.parse(readFileSync(join(import.meta.dirname, '../../../internal/changes/testdata/cases.json'), 'utf8'));
  expect(Array.isArray(cases) && cases.length).toBeGreaterThan(100);
  for (const [text, a, b, c, applied, aLate, aEarly, bLate, bEarly, composed, inverted] of Array.isArray(cases) ? cases : []) {
    const [x, y, z] = [ChangeSet.fromJSON(a), ChangeSet.fromJSON(b), ChangeSet.fromJSON(c)];
    expect(applyChanges(text, a)).toBe(applied);
    expect(applySet(text, x)).toBe(applied);
    expect([x.map(y).toJSON(), x.map(y, true).toJSON(), y.map(x).toJSON(), y.map(x, true).toJSON(), x.compose(z).toJSON()]).toEqual([aLate, aEarly, bLate, bEarly, composed]);
    expect(applyChanges(applied, inverted)).toBe(text);
  }
});
