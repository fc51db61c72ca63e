/** Addresses in terminal text. */

export interface Piece {
  readonly text: string;
  readonly href?: string;
}

const ADDRESS = /\bhttps?:\/\/[^\s<>"'`]{1,2000}/gi;

/** The text in pieces, the addresses by themselves. What closes a sentence or a bracket does not belong to one. */
export function linksIn(text: string): readonly Piece[] {
  if (!text.includes('://')) return [{ text }];
  const out: Piece[] = [];
  let at = 0;
  for (const match of text.matchAll(ADDRESS)) {
    let href = match[0];
    for (;;) {
      const last = href.at(-1) ?? '';
      const opener = { ')': '(', ']': '[', '}': '{' }[last];
      if (!'.,;:!?'.includes(last) && (opener === undefined || href.split(opener).length >= href.split(last).length)) break;
      href = href.slice(0, -1);
    }
    if (/:\/*$/.test(href)) continue;
    if (match.index > at) out.push({ text: text.slice(at, match.index) });
    out.push({ text: href, href });
    at = match.index + href.length;
  }
  if (at < text.length || out.length === 0) out.push({ text: text.slice(at) });
  return out;
}
