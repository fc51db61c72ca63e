import { describe, expect, it } from 'vitest';
import { cssColour, parse, PLAIN, START, strip, TRUE, type Style } from './ansi';

const spans = (text: string) => parse(text, START).spans;
const style = (over: Partial<Style>): Style => ({ ...PLAIN, ...over });

describe('parse', () => {
  it('leaves plain text alone', () => expect(spans('a\nb\tc')).toEqual([{ text: 'a\nb\tc', style: PLAIN }]));
  it('reads the sixteen colours', () =>
    expect(spans('\x1b[31mred\x1b[0m \x1b[97;44mx')).toEqual([
      { text: 'red', style: style({ fg: 1 }) },
      { text: ' ', style: PLAIN },
      { text: 'x', style: style({ fg: 15, bg: 4 }) },
    ]));
  it('reads 256 and true colours, with semicolons and colons', () => {
    expect(spans('\x1b[38;5;208mx')[0]?.style.fg).toBe(208);
    expect(spans('\x1b[48;2;1;2;3mx')[0]?.style.bg).toBe(TRUE | 0x010203);
    expect(spans('\x1b[38:2::10:20:30mx')[0]?.style.fg).toBe(TRUE | 0x0a141e);
    expect(spans('\x1b[38:5:9mx')[0]?.style.fg).toBe(9);
  });
  it('reads bold, dim, italic, underline, inverse, strike and their ends', () => {
    const on = spans('\x1b[1;2;3;4;7;9mx')[0]?.style;
    expect(on).toEqual(style({ bold: true, dim: true, italic: true, underline: true, inverse: true, strike: true }));
    expect(spans('\x1b[1;2;3;4;7;9m\x1b[22;23;24;27;29mx')[0]?.style).toEqual(PLAIN);
  });
  it('takes up a sequence that a chunk cut in two, at every place', () => {
    const text = 'a\x1b[1;31mb\x1b]8;;https://x.y\x1b\\c\x1b]8;;\x07d';
    const whole = spans(text);
    for (let cut = 1; cut < text.length; cut++) {
      const first = parse(text.slice(0, cut), START);
      const second = parse(text.slice(cut), first.state);
      const joined = [...first.spans, ...second.spans].map((s) => s.text).join('');
      expect(joined).toBe('abcd');
      expect(second.spans.at(-1)?.style ?? first.spans.at(-1)?.style).toEqual(whole.at(-1)?.style);
    }
  });
  it('makes links of the web only', () => {
    expect(spans('\x1b]8;;https://example.org/a?b\x07x')[0]?.style.href).toBe('https://example.org/a?b');
    expect(spans('\x1b]8;;javascript:alert(1)\x07x')[0]?.style.href).toBe('');
    expect(spans('\x1b]8;;data:text/html,x\x07x')[0]?.style.href).toBe('');
  });
  it('keeps a link over a reset of colours', () => expect(spans('\x1b]8;;https://a.b\x07\x1b[0mx')[0]?.style.href).toBe('https://a.b'));
  it('drops every other sequence', () => expect(strip('a\x1b[2Kb\x1b[?25lc\x1b]0;title\x07d\x1b(Be\x1bPx\x1b\\f\x07')).toBe('abcdef'));
  it('does not wait for ever for the end of a sequence', () => expect(strip(`\x1b]${'x'.repeat(5000)}`).length).toBeGreaterThan(4000));
});

describe('cssColour', () => {
  it('knows the cube, the greys and true colours', () => {
    expect(cssColour(16)).toBe('rgb(0 0 0)');
    expect(cssColour(231)).toBe('rgb(255 255 255)');
    expect(cssColour(208)).toBe('rgb(255 135 0)');
    expect(cssColour(232)).toBe('rgb(8 8 8)');
    expect(cssColour(TRUE | 0x010203)).toBe('#010203');
  });
});
