import { expect, test } from 'vitest';
import { rowsOf, type Side } from './rows';

const shown = (side: Side | null) => side && (side.to > side.from ? `${side.text.slice(0, side.from)}[${side.text.slice(side.from, side.to)}]${side.text.slice(side.to)}` : side.text);

test.each([
  ['nothing and nothing', '', '', []],
  ['a changed word', 'a = 1\nb = 2', 'a = 1\nb = 22', [['=', 'a = 1', 'a = 1'], ['!', 'b = 2', 'b = 2[2]']]],
  ['a line more here', 'a\nb\nc', 'a\nc', [['=', 'a', 'a'], ['!', 'b', null], ['=', 'c', 'c']]],
  ['a line more there', 'a\nc\n', 'a\nb\nc\n', [['=', 'a', 'a'], ['!', null, 'b'], ['=', 'c', 'c']]],
  ['all another', 'x', 'y\nz', [['!', '[x]', '[y]'], ['!', null, 'z']]],
  ['one of them empty', '', 'new', [['!', null, 'new']]],
])('%s', (_, mine, theirs, want) => {
  expect(rowsOf(mine, theirs).map((r) => [r.same ? '=' : '!', shown(r.mine), shown(r.theirs)])).toEqual(want);
});
