/** Matches shown on text that React has drawn, without changing it: the browser paints over ranges. One that cannot shows none. */
import type { Match } from './query';

/** The names that ::highlight() uses. */
export const ALL = 'find';
export const CURRENT = 'find-current';

export function highlighter(name: string): Highlight | null {
  if (typeof CSS === 'undefined' || !('highlights' in CSS)) return null;
  let here = CSS.highlights.get(name);
  if (!here) CSS.highlights.set(name, (here = new Highlight()));
  if (name === CURRENT) here.priority = 1;
  return here;
}

/** Marks these parts of an element's text; gives what takes the marks away. */
export function mark(el: Element, matches: readonly Match[], current: Match | null): () => void {
  const all = highlighter(ALL);
  const now = highlighter(CURRENT);
  if (!all || !now || matches.length === 0) return () => undefined;
  const ranges = matches.flatMap((m) => {
    const range = rangeOf(el, m);
    return range ? [{ range, paint: m.from === current?.from ? now : all }] : [];
  });
  for (const { range, paint } of ranges) paint.add(range);
  return () => {
    for (const { range, paint } of ranges) paint.delete(range);
  };
}

/** The range of a part of an element's text. */
export function rangeOf(el: Element, part: Match): Range | null {
  const walker = document.createTreeWalker(el, NodeFilter.SHOW_TEXT);
  const range = document.createRange();
  let at = 0;
  let begun = false;
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const end = at + (node.nodeValue?.length ?? 0);
    if (!begun && part.from < end) {
      range.setStart(node, part.from - at);
      begun = true;
    }
    if (begun && part.to <= end) {
      range.setEnd(node, part.to - at);
      return range;
    }
    at = end;
  }
  return null;
}
