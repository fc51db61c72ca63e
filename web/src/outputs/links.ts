/** Addresses in terminal text. */

export interface Piece {
  readonly text: string;
  readonly href?: string;
}

const ADDRESS = /\bhttps?:\/\/[^\s<>"'`]{1,2000}/gi;

const OPENERS: Readonly<Record<string, string>> = { ')': '(', ']': '[', '}': '{' };

/** The text in pieces, the addresses by themselves. What closes a sentence or a bracket does not belong to one. */
export function linksIn(text: string): readonly Piece[] {
  if (!text.includes('://')) return [{ text }];
  const out: Piece[] = [];
  let at = 0;
  for (const match of text.matchAll(ADDRESS)) {
    const href = match[0].slice(0, endOf(match[0]));
    if (/:\/*$/.test(href)) continue;
    if (match.index > at) out.push({ text: text.slice(at, match.index) });
    out.push({ text: href, href });
    at = match.index + href.length;
  }
  if (at < text.length || out.length === 0) out.push({ text: text.slice(at) });
  return out;
}

/** Where the address ends. Each kind of bracket is counted once: what is printed may be made to take long. */
function endOf(href: string): number {
  const unopened: Record<string, number> = {};
  let end = href.length;
  for (; end > 0; end--) {
    const last = href[end - 1] ?? '';
    const opener = OPENERS[last];
    if ('.,;:!?'.includes(last)) continue;
    if (opener === undefined) break;
    unopened[last] ??= href.split(last).length - href.split(opener).length;
    if (unopened[last]-- <= 0) break;
  }
  return end;
}
