/** A traceback taken apart: the frames, the last of them first for a reader. It knows IPython's form and shows any other whole. */
import { strip } from './ansi';

export interface Frame {
  /** The lines of the frame, colours included. */
  readonly text: string;
  /** "In [5], line 1" or the file, when it could be read. */
  readonly where: string;
  /** The execution count of the cell it is in, when it is in one. */
  readonly count?: number;
  readonly line?: number;
}

/** One exception of a chain. */
export interface Raised {
  readonly name: string;
  readonly value: string;
  readonly frames: readonly Frame[];
  /** What stands with it and is no frame: its notes, say. */
  readonly notes: string;
  /** What the one before it in the chain is to it. */
  readonly before: 'none' | 'cause' | 'context';
}

export interface Traceback {
  /** In the order in which they were raised; the last is the one that ended the run. */
  readonly chain: readonly Raised[];
  /** Everything, when there is nothing to take apart. */
  readonly whole: string;
}

const CELL = /^\s*(?:Cell In|Input In|In)\s*\[(\d+)\],?\s*(?:in\s.*?,\s*)?(?:line\s+(\d+))?/;
const FILE = /^\s*(?:File\s+)?"?((?:[A-Za-z]:|~|\.{0,2})[\\/][^\s":]+|<[^>]+>)"?(?::(\d+)|,\s*line\s+(\d+))?/;

const RULE = /^-{10,}$/;
const HEADER = /^(\S+)\s+Traceback \(most recent call last\)$/;
const BETWEEN = /^(?:The above exception was the (direct cause) of|During handling of) /;

export function readTraceback(lines: readonly string[], ename: string, evalue: string): Traceback {
  const chain: Open[] = [];
  let before: Raised['before'] = 'none';
  let open: Open | null = null;
  const begin = (name: string): Open => {
    const next: Open = { name, value: '', frames: [], notes: [], before };
    chain.push(next);
    before = 'none';
    return next;
  };
  for (const part of lines) {
    const text = strip(part).trim();
    const header = HEADER.exec(text);
    const between = BETWEEN.exec(text);
    const frame = header ?? between ? null : readFrame(part);
    if (RULE.test(text)) continue;
    if (header) open = begin(header[1] ?? '');
    else if (between) [before, open] = [between[1] === undefined ? 'context' : 'cause', null];
    else if (frame) (open ??= begin(ename)).frames.push(frame);
    else if (open && open.value === '' && (text === open.name || text.startsWith(`${open.name}:`))) open.value = text.slice(open.name.length + 1).trim();
    else if (text !== '') open?.notes.push(part.replace(/^\n+|\n+$/g, ''));
  }
  if (chain.every((r) => r.frames.length === 0)) return { chain: [], whole: dropHeadline(lines.join('\n'), ename, evalue) };
  return { chain: chain.map((r) => ({ ...r, notes: r.notes.join('\n') })), whole: '' };
}

interface Open {
  readonly name: string;
  value: string;
  readonly frames: Frame[];
  readonly notes: string[];
  readonly before: Raised['before'];
}

/** Frames as a reader wants them: where it happened, the person's own cell that led there, and the rest, the nearest first. */
export function forReader(frames: readonly Frame[]): { shown: readonly Frame[]; rest: readonly { frame: Frame; times: number }[] } {
  const last = frames.at(-1);
  if (!last) return { shown: [], rest: [] };
  const own = last.count === undefined ? frames.findLast((f) => f.count !== undefined) : undefined;
  const rest: { frame: Frame; times: number }[] = [];
  for (const frame of frames.slice(0, -1).reverse()) {
    const near = rest.at(-1);
    if (frame === own) continue;
    if (near && near.frame.where === frame.where && near.frame.text === frame.text) near.times++;
    else rest.push({ frame, times: 1 });
  }
  return { shown: own ? [last, own] : [last], rest };
}

function readFrame(text: string): Frame | null {
  const first = strip(text).trimStart().split('\n', 1)[0] ?? '';
  const body = text.replace(/^\n+|\n+$/g, '');
  const cell = CELL.exec(first);
  if (cell) {
    const line = cell[2] ? Number(cell[2]) : arrowLine(text);
    return { text: withoutFirstLine(body), where: `In [${cell[1]}]${line ? `, line ${line}` : ''}`, count: Number(cell[1]), line };
  }
  const file = FILE.exec(first);
  if (!file) return null;
  const line = Number(file[2] ?? file[3] ?? arrowLine(text) ?? 0);
  return { text: withoutFirstLine(body), where: `${shorten(file[1] ?? '')}${line ? `, line ${line}` : ''}` };
}

/** The line that IPython's arrow points at. */
function arrowLine(text: string): number | undefined {
  const m = /^-+>\s*(\d+)/m.exec(strip(text));
  return m ? Number(m[1]) : undefined;
}

function withoutFirstLine(text: string): string {
  const at = text.indexOf('\n');
  return at < 0 ? '' : text.slice(at + 1);
}

/** The last three parts of a long path. */
function shorten(path: string): string {
  const parts = path.split('/');
  return parts.length > 4 ? `…/${parts.slice(-3).join('/')}` : path;
}

function dropHeadline(text: string, ename: string, evalue: string): string {
  const at = text.trimEnd().lastIndexOf('\n');
  const last = strip(text.trimEnd().slice(at + 1)).trim();
  const headline = `${ename}: ${evalue.split('\n', 1)[0] ?? ''}`.trim();
  if (last === headline || last === ename) return at < 0 ? '' : text.trimEnd().slice(0, at);
  return text;
}
