/** Headings of Markdown cells: the outline, and what a folded one hides. */
import { decoded } from '../../ui/words';

export interface Heading<Id> {
  readonly id: Id;
  readonly level: number;
  readonly text: string;
}

/** 1 to 6 when the text begins with a heading, else 0. */
export function headingLevel(source: string): number {
  const m = /^\s*(#{1,6})\s/.exec(source);
  return m ? (m[1]?.length ?? 0) : 0;
}

/** The headings of one cell, code fences left out. */
export function headingsOf<Id>(id: Id, source: string): Heading<Id>[] {
  const out: Heading<Id>[] = [];
  let fenced = false;
  for (const line of source.split('\n')) {
    if (/^\s*(```|~~~)/.test(line)) fenced = !fenced;
    const m = fenced ? null : /^(#{1,6})\s+(.+?)\s*#*\s*$/.exec(line);
    if (m) out.push({ id, level: m[1]?.length ?? 1, text: plain(m[2] ?? '') });
  }
  return out;
}

/** The heading that an address ends in, as links write it: "#The-first-part". */
export function headingOfHash<Id>(headings: readonly Heading<Id>[], hash: string): Heading<Id> | undefined {
  const written = (text: string) => text.trim().replaceAll(' ', '-').toLowerCase();
  const want = decoded(hash.replace(/^#/, ''));
  return want === '' ? undefined : headings.find((h) => written(h.text) === written(want));
}

function plain(text: string): string {
  return text.replace(/\[\^[^\]\s]+\]/g, '').replace(/!?\[([^\]]*)\]\([^)]*\)/g, '$1').replace(/[*_`]{1,3}([^*_`]+)[*_`]{1,3}/g, '$1');
}

/** The cells that folded headings hide: those after them, up to a heading of the same or a higher rank. */
export function foldedCells<Id>(cells: readonly Id[], folded: ReadonlySet<Id>, level: (id: Id) => number): ReadonlySet<Id> {
  const hidden = new Set<Id>();
  let under = 0;
  for (const id of cells) {
    const own = level(id);
    if (own > 0 && own <= under) under = 0;
    if (under > 0) hidden.add(id);
    else if (own > 0 && folded.has(id)) under = own;
  }
  return hidden;
}
