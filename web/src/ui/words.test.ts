import { describe, expect, it } from 'vitest';
import { ago, baseName, bytes, duration, folderOf, isNotebook, ordinal, wholeDuration } from './words';

describe('words', () => {
  it('durations', () => {
    expect(duration(180)).toBe('0.18 s');
    expect(duration(41_600)).toBe('41.6 s');
    expect(duration(192_000)).toBe('3 min 12 s');
    expect(wholeDuration(8_900)).toBe('8 s');
    expect(wholeDuration(7_500_000)).toBe('2 h 5 min');
  });
  it('how long ago', () => {
    expect(ago(1000, 2900)).toBe('just now');
    expect(ago(1000, 3400)).toBe('2 s ago');
    expect(ago(0, 300_000)).toBe('5 min ago');
  });
  it('which names are those of notebooks', () => {
    expect(['a.ipynb', 'a/B.IPYNB', 'a.ipynb.txt', 'ipynb'].map(isNotebook)).toEqual([true, true, false, false]);
  });
  it('sizes', () => {
    expect(bytes(900)).toBe('900 B');
    expect(bytes(312 * 1024 * 1024)).toBe('312 MB');
    expect(bytes(1.4 * 1024 ** 3)).toBe('1.4 GB');
  });
  it('ordinals', () => expect([1, 2, 3, 4, 11, 12, 13, 21, 102].map(ordinal)).toEqual(['1st', '2nd', '3rd', '4th', '11th', '12th', '13th', '21st', '102nd']));
  it('paths', () => {
    expect(baseName('a/b/c.ipynb')).toBe('c.ipynb');
    expect(folderOf('a/b/c.ipynb')).toBe('a/b');
    expect(folderOf('c.ipynb')).toBe('');
  });
});
