import { describe, expect, it } from 'vitest';
import { parseWithFootnotes } from './footnotes';

const read = (source: string) => parseWithFootnotes(source, { gfm: true });
const ref = (n: number) => `<sup><a href="#fn-${n}">${n}</a></sup>`;

describe('footnotes', () => {
  it('are numbered as the text refers to them, whatever their names and places', () => {
    const { html, notes } = read('[^b]: Second.\n\nOne[^a], two[^B], one[^a].\n\n[^a]: First *of all*.\n[^unused]: Never.');
    expect(html.trim()).toBe(`<p>One${ref(1)}, two${ref(2)}, one${ref(1)}.</p>`);
    expect(notes.map((n) => [n.number, n.html.trim(), n.times])).toEqual([[1, '<p>First <em>of all</em>.</p>', 2], [2, '<p>Second.</p>', 1]]);
  });
  it('hold what is indented under them, and lines that go on', () => {
    const { html, notes } = read('Text[^1]\n\n[^1]: First\n  goes on\n\n    Second.\n\n    ```\n    code\n    ```\n\nAfter.\n');
    expect(html).toBe(`<p>Text${ref(1)}</p>\n<p>After.</p>\n`);
    expect(notes[0]?.html).toBe('<p>First\n  goes on</p>\n<p>Second.</p>\n<pre><code>code\n</code></pre>\n');
  });
  it('end where another block begins, and interrupt a paragraph', () => {
    const { html, notes } = read('a[^1] b[^2]\n[^1]: one\n[^2]: two\n# Heading\n');
    expect(html).toBe(`<p>a${ref(1)} b${ref(2)}</p>\n<h1>Heading</h1>\n`);
    expect(notes.map((n) => n.html)).toEqual(['<p>one</p>\n', '<p>two</p>\n']);
  });
  it('may refer to further ones, and to themselves', () => {
    const { notes } = read('a[^1]\n\n[^1]: see [^2] and [^1]\n\n[^2]: the second\n');
    expect(notes.map((n) => [n.html, n.times])).toEqual([[`<p>see ${ref(2)} and ${ref(1)}</p>\n`, 2], ['<p>the second</p>\n', 1]]);
  });
  it('are none without a definition, in code, and where a link is written', () => {
    const { html, notes } = read('[^none] `[^1]` [x](y) [ref]\n\n    [^1]: code\n\n[^1]: one\n[ref]: z\n');
    expect(html).toContain('[^none] <code>[^1]</code> <a href="y">x</a>');
    expect(html).toContain('<pre><code>[^1]: code');
    expect(notes).toEqual([]);
  });
  it('are read in little time, however many and however odd', () => {
    const many = Array.from({ length: 2000 }, (_, i) => `[^n${i}] text\n\n[^n${i}]: note ${i}\n\n`).join('');
    expect(read(many).notes).toHaveLength(2000);
    expect(read(`${'[^'.repeat(20_000)}\n\n[^1]: ${'\n'.repeat(20_000)}x`).notes).toEqual([]);
  });
});
