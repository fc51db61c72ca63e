import { describe, expect, it } from 'vitest';
import { foldedCells, headingLevel, headingOfHash, headingsOf } from './headings';
import { Undo } from './undo';

describe('headings', () => {
  it('reads levels and texts', () => {
    expect(headingLevel('## two')).toBe(2);
    expect(headingLevel('#no')).toBe(0);
    expect(headingsOf(1, '# A *b*\ntext\n```\n# not\n```\n### [c](x)').map((h) => [h.level, h.text])).toEqual([[1, 'A b'], [3, 'c']]);
  });
  it('folds up to the next heading of its rank', () => {
    const levels: Record<string, number> = { a: 1, b: 0, c: 2, d: 0, e: 1, f: 0 };
    const hidden = foldedCells(Object.keys(levels), new Set(['a', 'c']), (id) => levels[id] ?? 0);
    expect([...hidden]).toEqual(['b', 'c', 'd']);
  });
});

describe('Undo', () => {
  it('goes back and forth, and takes back one step out of order', () => {
    const log: string[] = [];
    const step = (name: string) => ({ undo: () => log.push(`-${name}`), redo: () => log.push(`+${name}`) });
    const undo = new Undo();
    const a = undo.did(step('a'));
    undo.did(step('b'));
    undo.undo();
    undo.redo();
    undo.back(a);
    expect(undo.undo()).toBe(true);
    expect(undo.undo()).toBe(false);
    expect(log).toEqual(['-b', '+b', '-a', '-b']);
  });
});

describe('headingOfHash', () => {
  const all = [...headingsOf('a', '# One'), ...headingsOf('b', 'text\n\n## The *first* part'), ...headingsOf('c', '# 100 %')];
  it('finds what a link names, in either way of writing it', () => {
    for (const hash of ['#The-first-part', '#the-first-part', '#The%20first%20part']) expect(headingOfHash(all, hash)?.id).toBe('b');
    expect(headingOfHash(all, '#100-%')?.id).toBe('c');
    expect(headingOfHash(all, '#')).toBeUndefined();
    expect(headingOfHash(all, '#other')).toBeUndefined();
  });
});
