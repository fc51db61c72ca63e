import { expect, it } from 'vitest';
import { CellStore } from '../../notebook/cell';
import { cellId, outputId } from '../../protocol/decode';
import type { Output } from '../../protocol/types';
import { textsOf } from './texts';

const id = (n: number) => outputId(`o${n}`, 'output');
const shown = (n: number, data: Record<string, string | { runnel_blob: { hash: string; size: number; json: boolean } }>): Output => ({ id: id(n), rev: 0, kind: 'display', data, metadata: {} });
const outlet = { send: () => expect.unreachable(), amend: () => false, again: () => undefined, keep: () => undefined, changed: () => undefined };
const read = (outputs: readonly Output[], also = true) => {
  const cell = new CellStore({ id: cellId('c', 'cell'), type: 'code', source: 'source', version: 0, metadata: {}, execution_count: null, outputs, run: null }, outlet);
  const { texts, unread } = textsOf(cell, also);
  expect(cell.opened, 'a document is made of a cell that is only read').toBeNull();
  return { texts: texts.map((t) => [t.output, t.kind, t.parts.join('|')]), unread };
};

it('has the source, and what can be read of the outputs', () => {
  const outputs: readonly Output[] = [
    { id: id(1), rev: 0, kind: 'stream', name: 'stdout', text: { head: 'head', tail: 'tail', tail_at: 4, total: 8 } },
    shown(2, { 'text/html': '<b>rich</b>', 'text/plain': 'plain' }),
    shown(3, { 'image/png': 'AAAA', 'text/plain': '<Figure>' }),
    shown(4, { 'text/plain': 'a value' }),
    { id: id(5), rev: 0, kind: 'error', ename: 'E', evalue: 'why', traceback: ['a frame', 'E: why'] },
    { id: id(6), rev: 0, kind: 'error', ename: 'Other', evalue: 'why', traceback: [] },
    { id: id(7), rev: 0, kind: 'input', prompt: 'Name? ', value: 'Ada', password: false },
    { id: id(8), rev: 0, kind: 'input', prompt: 'Secret? ', value: 'never', password: true },
  ];
  expect(read(outputs)).toEqual({
    texts: [[null, 'plain', 'source'], ['o1', 'terminal', 'head|tail'], ['o2', 'html', '<b>rich</b>'], ['o4', 'terminal', 'a value'], ['o5', 'terminal', 'a frame\nE: why'], ['o6', 'terminal', 'Other: why|\n|'], ['o7', 'plain', 'Name? |Ada'], ['o8', 'plain', 'Secret? |']],
    unread: 0,
  });
  expect(read(outputs, false).texts).toEqual([[null, 'plain', 'source']]);
});

it('counts what is too large to be here', () => expect(read([shown(1, { 'text/html': { runnel_blob: { hash: 'a'.repeat(64), size: 300_000, json: false } } })])).toEqual({ texts: [[null, 'plain', 'source']], unread: 1 }));
