import { describe, expect, it } from 'vitest';
import { splitPlaces, takeOut, texOf } from './mathText';

const found = (text: string) => takeOut(text).formulas.map((f) => `${f.display ? 'D' : 'i'}:${f.tex}`);

describe('takeOut', () => {
  it('finds inline and display mathematics', () =>
    expect(found('a $x^2$ b $$y_1$$ c \\(z\\) d \\[w\\] e \\begin{align}q\\end{align}')).toEqual(['i:x^2', 'D:y_1', 'i:z', 'D:w', 'D:\\begin{align}q\\end{align}']));
  it('leaves money, escapes and code alone', () => {
    expect(found('it costs $5 and $6')).toEqual([]);
    expect(found('\\$x\\$')).toEqual([]);
    expect(found('`$x$` and\n```\n$y$\n```\n$z$')).toEqual(['i:z']);
  });
  it('comes back where it was', () => {
    expect(splitPlaces(takeOut('a $x$ b $y$').text)).toEqual(['a ', 0, ' b ', 1]);
  });
});

describe('texOf', () => {
  it('takes the dollars off', () => {
    expect(texOf('$\\displaystyle x$')).toEqual({ tex: '\\displaystyle x', display: false });
    expect(texOf('$$x$$')).toEqual({ tex: 'x', display: true });
  });
});
