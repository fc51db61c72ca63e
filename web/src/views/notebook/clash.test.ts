import { expect, test } from 'vitest';
import type { JsonObject } from '../../protocol/types';
import { clashOf, deletedOn, withoutClash } from './clash';

test('the mark of another version is found and taken away, the rest of the metadata stays', () => {
  const marked = { tags: ['x'], runnel: { clash: { of: 'c1', side: 'disk' }, other: 1 } };
  expect(clashOf(marked)).toBe('c1');
  expect(withoutClash(marked)).toEqual({ tags: ['x'], runnel: { other: 1 } });
  expect(withoutClash({ runnel: { clash: { of: 'c1' } } })).toEqual({});
  const others: JsonObject[] = [{}, { runnel: 1 }, { runnel: { clash: [] } }, { runnel: { clash: { of: 2 } } }];
  for (const none of others) expect(clashOf(none)).toBe('');
});

test('the mark of a deletion by one side is found and taken away', () => {
  for (const side of ['here', 'disk'] as const) {
    const marked: JsonObject = { runnel: { clash: { deleted: side } } };
    expect(deletedOn(marked)).toBe(side);
    expect(clashOf(marked)).toBe('');
    expect(withoutClash(marked)).toEqual({});
  }
  const others: JsonObject[] = [{}, { runnel: { clash: { deleted: 'elsewhere' } } }, { runnel: { clash: { of: 'c1' } } }];
  for (const none of others) expect(deletedOn(none)).toBe('');
});
