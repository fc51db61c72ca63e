import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { list, number, object, or, text } from '../protocol/decode';
import { joinPuts } from './cell';
import { emptyText, putText } from './text';

const folder = join(import.meta.dirname, '../../../testdata/protocol/termtext');
const shape = object({ edits: list(object({ at: or(number, 0), text: or(text, '') })), text: or(text, '') });

describe('what the server makes of control characters arrives as text', () => {
  test.each(readdirSync(folder))('%s', (name) => {
    const file = shape(JSON.parse(readFileSync(join(folder, name), 'utf8')), name);
    const steps = file.edits.reduce((t, e) => putText(t, e.at, e.text), emptyText);
    expect(steps.head + steps.tail).toBe(file.text);
    // One at a time, all at once, and anything between are the same.
    for (let cut = 0; cut <= file.edits.length; cut++) {
      const first = file.edits.slice(0, cut).reduce((t, e) => putText(t, e.at, e.text), emptyText);
      const rest = file.edits.slice(cut);
      if (rest.length === 0) continue;
      const joined = rest.slice(1).reduce((put, e) => joinPuts(put, e), joinPuts(undefined, rest[0] ?? { at: 0, text: '' }));
      expect(putText(first, joined.at, joined.text)).toEqual(steps);
    }
  });
});
