import { describe, expect, it } from 'vitest';
import { forReader, readTraceback } from './traceback';

const E = '\x1b';
describe('readTraceback', () => {
  it('takes IPython frames apart', () => {
    const { chain, whole } = readTraceback(
      [
        `${E}[31m---------------------------------------------------------------------------${E}[39m`,
        `${E}[31mKeyError${E}[39m                                  Traceback (most recent call last)`,
        `${E}[36mCell${E}[39m${E}[36m ${E}[39m${E}[32mIn[5]${E}[39m${E}[32m, line 1${E}[39m\n${E}[32m----> ${E}[39m${E}[32m1${E}[39m f(3)\n`,
        `${E}[36mCell${E}[39m${E}[36m ${E}[39m${E}[32mIn[4]${E}[39m${E}[32m, line 2${E}[39m, in ${E}[36mf${E}[39m(x)\n      1 def f(x):\n----> 2     return d[x]`,
        `${E}[36mFile ${E}[39m${E}[32m~/lib/python3.12/site-packages/pandas/core/frame.py:12${E}[39m, in g\n     10 a\n---> 12 b`,
        `${E}[31mKeyError${E}[39m: 3`,
      ],
      'KeyError',
      '3',
    );
    expect(whole).toBe('');
    const frames = chain[0]?.frames ?? [];
    expect(chain.map((r) => [r.name, r.value, r.notes])).toEqual([['KeyError', '3', '']]);
    expect(frames.map((f) => f.where)).toEqual(['In [5], line 1', 'In [4], line 2', '…/pandas/core/frame.py, line 12']);
    expect(frames.map((f) => f.count)).toEqual([5, 4, undefined]);
  });
  it('shows another form whole, without the headline twice', () => {
    const { chain, whole } = readTraceback(['Error: no\n    at <anonymous>:1:7', 'Error: no'], 'Error', 'no');
    expect(chain).toEqual([]);
    expect(whole).toBe('Error: no\n    at <anonymous>:1:7');
  });
  it('reads a syntax error', () => {
    const { chain } = readTraceback([`  ${E}[36mCell${E}[39m${E}[36m ${E}[39m${E}[32mIn[1], line 1${E}[39m\n    x = = 1\n        ^\n${E}[31mSyntaxError${E}[39m: invalid syntax\n`], 'SyntaxError', 'invalid syntax');
    expect(chain[0]?.frames[0]?.where).toBe('In [1], line 1');
  });
  it('keeps every error of a chain, with what it was and what it is to the next', () => {
    const { chain } = readTraceback(
      [
        '-'.repeat(75),
        'KeyError                                  Traceback (most recent call last)',
        'Cell In[6], line 4\n----> 4 clean("b")\n',
        'Cell In[5], line 2, in clean(row)\n----> 2 d[row]\n',
        `${E}[31mKeyError${E}[39m: 'b'`,
        '\nThe above exception was the direct cause of the following exception:\n',
        'ValueError                                Traceback (most recent call last)',
        'Cell In[6], line 6\n----> 6 raise ValueError("bad row") from e\n',
        'ValueError: bad row',
        'a note on it',
        '\nDuring handling of the above exception, another exception occurred:\n',
        'TypeError                                 Traceback (most recent call last)',
        'Cell In[6], line 8\n----> 8 1 + ""\n',
        'TypeError: unsupported',
      ],
      'TypeError',
      'unsupported',
    );
    expect(chain.map((r) => [r.name, r.value, r.before, r.frames.length, r.notes])).toEqual([
      ['KeyError', "'b'", 'none', 2, ''],
      ['ValueError', 'bad row', 'cause', 1, 'a note on it'],
      ['TypeError', 'unsupported', 'context', 1, ''],
    ]);
  });
});

describe('forReader', () => {
  const frame = (where: string, count?: number) => ({ where, text: where, ...(count === undefined ? {} : { count }) });
  it('shows where it happened, and the own cell that led into a library', () => {
    const { shown, rest } = forReader([frame('cell 1', 1), frame('cell 2', 2), frame('lib a'), frame('lib b')]);
    expect(shown.map((f) => f.where)).toEqual(['lib b', 'cell 2']);
    expect(rest.map((r) => r.frame.where)).toEqual(['lib a', 'cell 1']);
  });
  it('counts frames that repeat', () => {
    const { shown, rest } = forReader([frame('top', 1), ...Array.from({ length: 500 }, () => frame('rec', 1))]);
    expect(shown.map((f) => f.where)).toEqual(['rec']);
    expect(rest.map((r) => [r.frame.where, r.times])).toEqual([['rec', 499], ['top', 1]]);
  });
});
