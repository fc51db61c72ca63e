import { describe, expect, it } from 'vitest';
import { HEAD_MAX } from '../protocol/types';
import { BLOCK_LINES, HEAD_BLOCKS, TAIL_BLOCKS, TextBlocks } from './blocks';

const shown = (b: TextBlocks) => b.blocks.map((x) => x.text).join('');
const drawn = (b: TextBlocks) => b.blocks.map((x) => x.spans.map((s) => s.text).join('')).join('');
const lines = (n: number, from = 0) => Array.from({ length: n }, (_, i) => `line ${from + i}\n`).join('');

describe('TextBlocks', () => {
  it('appends to the last block and says what was added', () => {
    const b = new TextBlocks();
    b.put(0, 'one\n');
    const change = b.put(4, 'two');
    expect(change).toEqual({ from: 1, grown: [expect.objectContaining({ text: 'two' })] });
    expect(shown(b)).toBe('one\ntwo');
  });
  it('begins a new block after 200 lines', () => {
    const b = new TextBlocks();
    b.put(0, lines(BLOCK_LINES * 2 + 5));
    expect(b.blocks.map((x) => x.lines)).toEqual([200, 200, 5]);
    expect(shown(b)).toBe(lines(405));
  });
  it('gives the same text however it was cut into chunks', () => {
    const text = `\x1b[31m${lines(730)}\x1b[0mend`;
    const whole = new TextBlocks();
    whole.put(0, text);
    for (const size of [1, 7, 100, 3000]) {
      const b = new TextBlocks();
      for (let i = 0; i < text.length; i += size) b.put(i, text.slice(i, i + size));
      expect(shown(b)).toBe(text);
      expect(drawn(b)).toBe(drawn(whole));
      expect(b.blocks.at(-1)?.end.style).toEqual(whole.blocks.at(-1)?.end.style);
    }
  });
  it('replaces from an offset: a progress bar stays one line', () => {
    const b = new TextBlocks();
    b.put(0, 'start\n 10%');
    expect(b.put(6, ' 20%')).toEqual({ from: 0, grown: [] });
    b.put(6, '100%\ndone\n');
    expect(shown(b)).toBe('start\n100%\ndone\n');
  });
  it('replaces back over a block border, colours right', () => {
    const b = new TextBlocks();
    const text = `\x1b[32m${lines(450)}`;
    b.put(0, text);
    b.put(1000, 'x');
    expect(shown(b)).toBe(`${text.slice(0, 1000)}x`);
    expect(b.blocks.at(-1)?.end.style.fg).toBe(2);
  });
  it('keeps head and tail of a text whose middle was cut', () => {
    const b = new TextBlocks();
    b.reset({ head: 'head\n', tail: 'tail\n', tail_at: 1000, total: 1005 });
    expect(b.gap).toBe(1);
    expect(b.put(1005, 'more\n')).not.toBeNull();
    expect(shown(b)).toBe('head\ntail\nmore\n');
    expect(b.put(500, 'x')).toBeNull();
  });
  it('leaves out the middle over the limit', () => {
    const b = new TextBlocks();
    const n = BLOCK_LINES * (HEAD_BLOCKS + TAIL_BLOCKS + 10);
    b.put(0, lines(n));
    const gone = b.trim(1 << 30, 0);
    expect(gone.length).toBe(10);
    expect(b.gap).toBe(HEAD_BLOCKS);
    expect(b.blocks.length).toBe(HEAD_BLOCKS + TAIL_BLOCKS);
    expect(shown(b).endsWith(`line ${n - 1}\n`)).toBe(true);
    b.put(b.end, 'next\n');
    expect(shown(b).endsWith(`line ${n - 1}\nnext\n`)).toBe(true);
  });
  it('goes on after text that was skipped', () => {
    const b = new TextBlocks();
    b.put(0, lines(50_000));
    const head = b.blocks.filter((x) => x.at < HEAD_MAX).slice(0, HEAD_BLOCKS);
    expect(b.skip(9_000_000, 'later\nand')).toEqual({ from: head.length, grown: [] });
    expect(b.gap).toBe(head.length);
    b.put(9_000_009, ' last\n');
    expect(shown(b)).toBe(`${head.map((x) => x.text).join('')}later\nand last\n`);
    expect(b.skip(9_500_000, 'end\n')).toEqual({ from: head.length, grown: [] });
    expect(shown(b)).toBe(`${head.map((x) => x.text).join('')}end\n`);
    expect(b.put(9_000_000, 'x'), 'what was skipped is not here').toBeNull();
  });
  it('drops what the server dropped between head and tail', () => {
    const b = new TextBlocks();
    b.put(0, lines(1000));
    const at = b.blocks[3]?.at ?? 0;
    b.trim(100, at);
    expect(b.gap).toBe(1);
    expect(b.blocks.map((x) => x.at)).toEqual([0, at, expect.any(Number)]);
  });
});
