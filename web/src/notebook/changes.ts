import { ChangeSet, Text } from '@codemirror/state';
import type { ChangesJson } from '../protocol/types';

/** Change sets against plain strings. Line breaks are \n only, and count one (P28). */

/** Applies a change set in its JSON form; null when it does not fit the source. */
export function applyChanges(source: string, changes: ChangesJson): string | null {
  if (!Array.isArray(changes)) return null;
  const sections: readonly unknown[] = changes;
  let at = 0;
  let out = '';
  for (const section of sections) {
    if (typeof section === 'number') {
      out += source.slice(at, at + section);
      at += section;
      continue;
    }
    if (!Array.isArray(section)) return null;
    const [del, ...lines]: readonly unknown[] = section;
    if (typeof del !== 'number' || !lines.every((l) => typeof l === 'string')) return null;
    at += del;
    out += lines.join('\n');
  }
  return at === source.length ? out : null;
}

/** The change set of a JSON form that is for a text of this length; null when it is not. */
export function changesFrom(json: ChangesJson, length: number): ChangeSet | null {
  try {
    const changes = ChangeSet.fromJSON(json);
    return changes.length === length ? changes : null;
  } catch {
    return null;
  }
}

export function toText(source: string): Text {
  return Text.of(source.split('\n'));
}

export function applySet(source: string, changes: ChangeSet): string {
  return changes.empty ? source : changes.apply(toText(source)).toString();
}

/** More pairs of lines than this are not compared: the differing middle is then replaced as one. */
const MAX_PAIRS = 400_000;

/** The change set that makes b of a, whole lines apart. */
export function diff(a: string, b: string): ChangeSet {
  if (a === b) return ChangeSet.empty(a.length);
  let start = 0;
  const most = Math.min(a.length, b.length);
  while (start < most && a.charCodeAt(start) === b.charCodeAt(start)) start++;
  let end = 0;
  while (end < most - start && a.charCodeAt(a.length - 1 - end) === b.charCodeAt(b.length - 1 - end)) end++;
  start = outside(a, b, start);
  if (end > 0 && isLow(a, a.length - end)) end--;
  const changes: { from: number; to: number; insert: Text }[] = [];
  for (const part of lineParts(a.slice(start, a.length - end), b.slice(start, b.length - end))) {
    changes.push({ from: start + part.from, to: start + part.to, insert: toText(part.insert) });
  }
  return ChangeSet.of(changes, a.length);
}

const isLow = (s: string, i: number): boolean => s.charCodeAt(i) >= 0xdc00 && s.charCodeAt(i) < 0xe000;
/** Not between the halves of a surrogate pair. */
const outside = (a: string, b: string, i: number): number => (i > 0 && (isLow(a, i) || isLow(b, i)) ? i - 1 : i);

export interface Part {
  readonly from: number;
  readonly to: number;
  readonly insert: string;
}

/** The differing parts, whole lines each, by the longest common sequence of lines. */
export function lineParts(a: string, b: string): Part[] {
  const x = lines(a);
  const y = lines(b);
  if (x.length * y.length > MAX_PAIRS || x.length < 2 || y.length < 2) return [{ from: 0, to: a.length, insert: b }];
  const w = y.length + 1;
  const longest = new Uint32Array((x.length + 1) * w);
  for (let i = x.length - 1; i >= 0; i--) {
    for (let j = y.length - 1; j >= 0; j--) {
      longest[i * w + j] = x[i] === y[j] ? 1 + (longest[(i + 1) * w + j + 1] ?? 0) : Math.max(longest[(i + 1) * w + j] ?? 0, longest[i * w + j + 1] ?? 0);
    }
  }
  const parts: Part[] = [];
  let from = 0;
  let to = 0;
  let insert = '';
  const flush = () => {
    if (to > from || insert !== '') parts.push({ from, to, insert });
  };
  for (let i = 0, j = 0; i < x.length || j < y.length; ) {
    const left = x[i];
    const right = y[j];
    if (left !== undefined && left === right) {
      flush();
      from = to = to + left.length;
      insert = '';
      i++;
      j++;
    } else if (right !== undefined && (left === undefined || (longest[i * w + j + 1] ?? 0) >= (longest[(i + 1) * w + j] ?? 0))) {
      insert += right;
      j++;
    } else if (left !== undefined) {
      to += left.length;
      i++;
    }
  }
  flush();
  return parts;
}

/** The lines with their line breaks. */
function lines(s: string): string[] {
  return s.split(/(?<=\n)/);
}

/** Whether two change sets of one text touch the same place: then one cannot be put over the other without asking. */
export function overlap(a: ChangeSet, b: ChangeSet): boolean {
  let hit = false;
  a.iterChangedRanges((from, to) => {
    b.iterChangedRanges((otherFrom, otherTo) => {
      if (from < otherTo && otherFrom < to) hit = true;
    });
  });
  return hit;
}
