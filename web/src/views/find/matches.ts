/** Finding in text, and what replaces it. Pure. */

export interface Query {
  readonly text: string;
  readonly cased: boolean;
  readonly regexp: boolean;
}

export interface Match {
  readonly from: number;
  readonly to: number;
}

/** More than these are not looked for in one cell. */
const MOST = 10_000;

/** The pattern to look with; null for an empty query, a sentence for one that is no regular expression. */
export function patternOf(query: Query): RegExp | string | null {
  if (query.text === '') return null;
  const source = query.regexp ? query.text : query.text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
  try {
    return new RegExp(source, `gmu${query.cased ? '' : 'i'}`);
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

/** The text with its matches replaced: all of them, or the one that begins at `only`. */
export function replaced(text: string, pattern: RegExp, query: Query, replacement: string, only?: number): string {
  let out = '';
  let at = 0;
  for (const m of found(text, pattern)) {
    if (only !== undefined && m.index !== only) continue;
    out += text.slice(at, m.index) + (query.regexp ? filled(replacement, m) : replacement);
    at = m.index + m[0].length;
  }
  return out + text.slice(at);
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
