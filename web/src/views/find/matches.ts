/** Finding in text, and what replaces it. Pure. An expression may take for ever: these run where they can be ended (work.ts). */
import type { Hit, Match, Query } from './query';

export type Looked = Pick<Query, 'text' | 'cased' | 'whole' | 'regexp'>;

/** More than these are not looked for in one text. */
export const MOST = 10_000;
/** So much of a line is shown with a match, and so much of that before it. */
const WIDTH = 160;
const BEFORE = 32;

/** Where no word goes on. */
const EDGE = '(?:(?<![\\p{L}\\p{N}_])|(?![\\p{L}\\p{N}_]))';

/** The pattern to look with; null for an empty query, a sentence for one that is no regular expression. */
export function patternOf(query: Looked): RegExp | string | null {
  if (query.text === '') return null;
  const source = query.regexp ? query.text : query.text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
  const flags = `gmu${query.cased ? '' : 'i'}`;
  try {
    // By itself first: what it is put into could make an expression of one that is none.
    const alone = new RegExp(source, flags);
    return query.whole ? new RegExp(`${EDGE}(?:${source})${EDGE}`, flags) : alone;
  } catch (problem) {
    return problem instanceof Error ? problem.message.replace(/^.*?: (?=[^:]*$)/, '') : 'not a regular expression';
  }
}

/** All matches, one after the other; empty ones do not count. */
export function matchesIn(text: string, pattern: RegExp): readonly Match[] {
  return found(text, pattern).map((m) => ({ from: m.index, to: m.index + m[0].length }));
}

function found(text: string, pattern: RegExp): readonly RegExpExecArray[] {
  const out: RegExpExecArray[] = [];
  for (const m of text.matchAll(pattern)) {
    if (m[0] !== '') out.push(m);
    if (out.length >= MOST) break;
  }
  return out;
}

/** All matches with their lines. */
export function hitsIn(text: string, pattern: RegExp): readonly Hit[] {
  let line = 0;
  let begin = 0;
  return matchesIn(text, pattern).map(({ from, to }) => {
    for (let next = text.indexOf('\n', begin); next >= 0 && next < from; next = text.indexOf('\n', begin)) {
      line++;
      begin = next + 1;
    }
    let start = Math.max(begin, from - BEFORE);
    const cut = start > begin;
    while (!cut && start < from && (text[start] === ' ' || text[start] === '\t')) start++;
    const words = text.slice(start, start + WIDTH).split('\n', 1)[0] ?? '';
    const at = from - start;
    return { from, to, line, words, at, length: Math.max(0, Math.min(to - from, words.length - at)), cut };
  });
}

/** The text with its matches replaced: all of them, or the one that begins at `only`; and how many those were. */
export function replaced(text: string, pattern: RegExp, query: Looked, replacement: string, only?: number): { text: string; count: number } {
  let out = '';
  let at = 0;
  let count = 0;
  for (const m of found(text, pattern)) {
    if (only !== undefined && m.index !== only) continue;
    out += text.slice(at, m.index) + (query.regexp ? filled(replacement, m) : replacement);
    at = m.index + m[0].length;
    count++;
  }
  return { text: out + text.slice(at), count };
}

/** $1 and $<name> are groups, $& all of the match, $$ a dollar, \n and \t what they say. */
function filled(replacement: string, m: RegExpExecArray): string {
  return replacement.replace(/\$(\$|&|\d{1,2}|<([^>]*)>)|\\([nt\\])/g, (whole, what: string | undefined, name: string | undefined, sign: string | undefined) => {
    if (sign !== undefined) return sign === 'n' ? '\n' : sign === 't' ? '\t' : '\\';
    if (what === '$') return '$';
    if (what === '&') return m[0];
    if (name !== undefined) return m.groups?.[name] ?? '';
    const group = Number(what);
    return group > 0 && group < m.length ? (m[group] ?? '') : whole;
  });
}
