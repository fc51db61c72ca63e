/** Two versions of a text, line beside line. Pure. */
import { lineParts } from '../../notebook/changes';

/** A line of one version; `from` to `to` is what differs from the line beside it. */
export interface Side {
  readonly text: string;
  readonly from: number;
  readonly to: number;
}

export interface Row {
  readonly same: boolean;
  readonly mine: Side | null;
  readonly theirs: Side | null;
}

export function rowsOf(mine: string, theirs: string): readonly Row[] {
  const rows: Row[] = [];
  let at = 0;
  const common = (to: number) => {
    for (const text of linesOf(mine.slice(at, to))) rows.push({ same: true, mine: plain(text), theirs: plain(text) });
  };
  for (const part of lineParts(mine, theirs)) {
    common(part.from);
    rows.push(...beside(linesOf(mine.slice(part.from, part.to)), linesOf(part.insert)));
    at = part.to;
  }
  common(mine.length);
  return rows;
}

/** The lines without their line breaks; none for an empty text. */
function linesOf(text: string): string[] {
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  return lines;
}

const plain = (text: string): Side => ({ text, from: 0, to: 0 });

function beside(mine: readonly string[], theirs: readonly string[]): Row[] {
  return Array.from({ length: Math.max(mine.length, theirs.length) }, (_, i) => {
    const a = mine[i];
    const b = theirs[i];
    if (a === undefined || b === undefined) return { same: false, mine: a === undefined ? null : plain(a), theirs: b === undefined ? null : plain(b) };
    const most = Math.min(a.length, b.length);
    let start = 0;
    while (start < most && a[start] === b[start]) start++;
    let end = 0;
    while (end < most - start && a.at(-1 - end) === b.at(-1 - end)) end++;
    return { same: a === b, mine: { text: a, from: start, to: a.length - end }, theirs: { text: b, from: start, to: b.length - end } };
  });
}
