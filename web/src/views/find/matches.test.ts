import { describe, expect, it } from 'vitest';
import { matchesIn, patternOf, replaced, type Query } from './matches';

const query = (text: string, more: Partial<Query> = {}): Query => ({ text, cased: false, regexp: false, ...more });
function find(text: string, q: Query): string[] {
  const pattern = patternOf(q);
  return pattern instanceof RegExp ? matchesIn(text, pattern).map((m) => text.slice(m.from, m.to)) : [String(pattern)];
}
function replace(text: string, q: Query, by: string, only?: number): string {
  const pattern = patternOf(q);
  if (!(pattern instanceof RegExp)) throw new Error(String(pattern));
  return replaced(text, pattern, q, by, only);
}

describe('finding', () => {
  it('takes words as they are', () => {
    expect(find('a.b axb A.B', query('a.b'))).toEqual(['a.b', 'A.B']);
    expect(find('a.b axb A.B', query('a.b', { cased: true }))).toEqual(['a.b']);
    expect(find('f(x)[0] {y} a|b ^$ \\', query('(x)[0] {y} a|b ^$ \\'))).toEqual(['(x)[0] {y} a|b ^$ \\']);
    expect(find('day-by-day', query('-by-'))).toEqual(['-by-']);
  });
  it('knows regular expressions, line by line', () => {
    expect(find('x = 1\ny = 22', query('^\\w = \\d+$', { regexp: true }))).toEqual(['x = 1', 'y = 22']);
    expect(find('abc', query('x*', { regexp: true }))).toEqual([]);
  });
  it('says what is wrong with one', () => expect(find('abc', query('(', { regexp: true }))).toEqual(['Unterminated group']));
  it('finds nothing for nothing', () => expect(patternOf(query(''))).toBeNull());
});

describe('replacing', () => {
  it('takes the replacement as it is', () => expect(replace('a a', query('a'), '$1\\n')).toBe('$1\\n $1\\n'));
  it('replaces one alone', () => expect(replace('a a a', query('a'), 'b', 2)).toBe('a b a'));
  it('fills in groups', () => {
    expect(replace('x=1, y=2', query('(\\w)=(?<value>\\d)', { regexp: true }), '$<value>: $1 ($&, $$, $9)\\n')).toBe('1: x (x=1, $, $9)\n, 2: y (y=2, $, $9)\n');
  });
  it('sees what is around a match', () => expect(replace('ab cb', query('(?<=a)b', { regexp: true }), 'x')).toBe('ax cb'));
});
