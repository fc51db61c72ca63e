import { describe, expect, it } from 'vitest';
import { linksIn } from './links';

const links = (text: string) => linksIn(text).flatMap((p) => p.href ?? []);

describe('linksIn', () => {
  it('loses nothing of the text', () => {
    for (const text of ['', 'plain', 'http://', 'a http://x.y/z?q=1#h. b', '(see https://x.y/a_(b)), and https://z']) expect(linksIn(text).map((p) => p.text).join('')).toBe(text);
  });
  it('finds addresses, without what closes a sentence or a bracket', () => {
    expect(links('Running on http://127.0.0.1:7860.')).toEqual(['http://127.0.0.1:7860']);
    expect(links('(see https://x.y/a_(b)), and <https://z/>')).toEqual(['https://x.y/a_(b)', 'https://z/']);
    expect(links('"https://a.b" \'https://c.d\'')).toEqual(['https://a.b', 'https://c.d']);
  });
  it('leaves other schemes, and halves of addresses, alone', () => {
    expect(links('javascript://x ftp://x file:///etc http:// xhttps://a')).toEqual([]);
  });
});
