/** HTML as the text that a person sees of it, near enough to find words in. Pure, and one pass over it: it may be anybody's. */

const NAMED: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", nbsp: ' ' };
const HIDDEN = /^(?:script|style|template|head)$/;
const INLINE = /^(?:a|abbr|b|bdi|code|del|em|font|i|ins|kbd|mark|s|samp|small|span|strong|sub|sup|tt|u|var|wbr)$/;

export function textOfHtml(html: string): string {
  let out = '';
  let at = 0;
  while (at < html.length) {
    const open = html.indexOf('<', at);
    if (open < 0) return out + decoded(html.slice(at));
    out += decoded(html.slice(at, open));
    if (html.startsWith('<!--', open)) {
      const end = html.indexOf('-->', open + 4);
      at = end < 0 ? html.length : end + 3;
      continue;
    }
    const name = /^<\/?([a-z][a-z0-9]*)/i.exec(html.slice(open, open + 32))?.[1]?.toLowerCase();
    if (name === undefined && html[open + 1] !== '!') {
      out += '<';
      at = open + 1;
      continue;
    }
    at = endOfTag(html, open);
    if (name === undefined || INLINE.test(name)) continue;
    if (HIDDEN.test(name) && html[open + 1] !== '/') at = endOf(html, name, at);
    out += '\n';
  }
  return out;
}

/** After the tag that begins at `at`; a > in a quoted value does not end it. */
function endOfTag(html: string, at: number): number {
  let quote = '';
  for (let i = at; i < html.length; i++) {
    const c = html[i] ?? '';
    if (quote !== '') quote = c === quote ? '' : quote;
    else if (c === '"' || c === "'") quote = c;
    else if (c === '>') return i + 1;
  }
  return html.length;
}

/** Where the element's end tag begins. */
function endOf(html: string, name: string, from: number): number {
  const end = new RegExp(`</${name}`, 'gi');
  end.lastIndex = from;
  return end.exec(html)?.index ?? html.length;
}

function decoded(text: string): string {
  return text.replace(/&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|([a-z]{2,6}));/gi, (whole, decimal: string | undefined, hex: string | undefined, name: string | undefined) => {
    if (name !== undefined) return NAMED[name.toLowerCase()] ?? whole;
    const code = decimal === undefined ? Number.parseInt(hex ?? '', 16) : Number(decimal);
    return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : whole;
  });
}
