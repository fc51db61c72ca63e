import { describe, expect, it } from 'vitest';
import { hitsIn, matchesIn, patternOf, replaced, type Looked } from './matches';

const query = (text: string, more: Partial<Looked> = {}): Looked => ({ text, cased: false, whole: false, regexp: false, ...more });
function find(text: string, q: Looked): string[] {
  const pattern = patternOf(q);
  return pattern instanceof RegExp ? matchesIn(text, pattern).map((m) => text.slice(m.from, m.to)) : [String(pattern)];
}
function replace(text: string, q: Looked, by: string, only?: number): string {
  const pattern = patternOf(q);
  if (!(pattern instanceof RegExp)) throw new Error(String(pattern));
  return replaced(text, pattern, q, by, only).text;
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
  it('takes whole words, in any script', () => {
    expect(find('on one on-on öon on_', query('on', { whole: true }))).toEqual(['on', 'on', 'on']);
    expect(find('f(x) f (x)', query('f(', { whole: true }))).toEqual(['f(']);
    expect(find('ab cd abcd', query('ab|cd', { regexp: true, whole: true }))).toEqual(['ab', 'cd']);
  });
  it('says what is wrong with an expression that only a whole word would make one', () => expect(find('abc', query('a)(b', { regexp: true, whole: true }))).toEqual(['Unmatched \')\'']));
  it('says what is wrong with one', () => expect(find('abc', query('(', { regexp: true }))).toEqual(['Unterminated group']));
  it('finds nothing for nothing', () => expect(patternOf(query(''))).toBeNull());
});

describe('hits', () => {
  const hits = (text: string, q: Looked) => {
    const pattern = patternOf(q);
    return pattern instanceof RegExp ? hitsIn(text, pattern).map(({ line, words, at, length, cut }) => [line, words.slice(0, at), words.slice(at, at + length), words.slice(at + length), cut]) : [];
  };
  it('have their line', () => expect(hits('a\n\n  x = a + a\n', query('a'))).toEqual([[0, '', 'a', '', false], [2, 'x = ', 'a', ' + a', false], [2, 'x = a + ', 'a', '', false]]));
  it('have some of a long line', () => {
    const [[line, before, match, after, cut] = []] = hits(`${'-'.repeat(500)}here${'='.repeat(500)}`, query('here'));
    expect([line, before, match, cut]).toEqual([0, '-'.repeat(32), 'here', true]);
    expect(String(after).length).toBeLessThan(200);
  });
  it('of several lines show the first', () => expect(hits('one\ntwo\nthree', query('one\\n(.*)\\nth', { regexp: true }))).toEqual([[0, '', 'one', '', false]]));
});

describe('replacing', () => {
  it('takes the replacement as it is', () => expect(replace('a a', query('a'), '$1\\n')).toBe('$1\\n $1\\n'));
  it('replaces one alone', () => expect(replace('a a a', query('a'), 'b', 2)).toBe('a b a'));
  it('fills in groups', () => {
    expect(replace('x=1, y=2', query('(\\w)=(?<value>\\d)', { regexp: true }), '$<value>: $1 ($&, $$, $9)\\n')).toBe('1: x (x=1, $, $9)\n, 2: y (y=2, $, $9)\n');
  });
  it('sees what is around a match', () => expect(replace('ab cb', query('(?<=a)b', { regexp: true }), 'x')).toBe('ax cb'));
});
