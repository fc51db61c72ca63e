import { describe, expect, it } from 'vitest';
import { readTraceback } from './traceback';

const E = '\x1b';
describe('readTraceback', () => {
  it('takes IPython frames apart', () => {
    const { frames, whole } = readTraceback(
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
    expect(frames.map((f) => f.where)).toEqual(['cell 5, line 1', 'cell 4, line 2', '…/pandas/core/frame.py, line 12']);
    expect(frames.map((f) => f.count)).toEqual([5, 4, undefined]);
  });
  it('shows another form whole, without the headline twice', () => {
    const { frames, whole } = readTraceback(['Error: no\n    at <anonymous>:1:7', 'Error: no'], 'Error', 'no');
    expect(frames).toEqual([]);
    expect(whole).toBe('Error: no\n    at <anonymous>:1:7');
  });
  it('reads a syntax error', () => {
    const { frames } = readTraceback([`  ${E}[36mCell${E}[39m${E}[36m ${E}[39m${E}[32mIn[1], line 1${E}[39m\n    x = = 1\n        ^\n${E}[31mSyntaxError${E}[39m: invalid syntax\n`], 'SyntaxError', 'invalid syntax');
    expect(frames[0]?.where).toBe('cell 1, line 1');
  });
});
