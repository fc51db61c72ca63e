/** A traceback taken apart: the frames, the last of them first for a reader. It knows IPython's form and shows any other whole. */
import { strip } from './ansi';

export interface Frame {
  /** The lines of the frame, colours included. */
  readonly text: string;
  /** "cell 5, line 1" or the file, when it could be read. */
  readonly where: string;
  /** The execution count of the cell it is in, when it is in one. */
  readonly count?: number;
  readonly line?: number;
}

export interface Traceback {
  readonly frames: readonly Frame[];
  /** Everything, when there is nothing to take apart. */
  readonly whole: string;
}

const CELL = /^\s*(?:Cell In|Input In|In)\s*\[(\d+)\],?\s*(?:in\s.*?,\s*)?(?:line\s+(\d+))?/;
const FILE = /^\s*(?:File\s+)?"?((?:[A-Za-z]:|~|\.{0,2})[\\/][^\s":]+|<[^>]+>)"?(?::(\d+)|,\s*line\s+(\d+))?/;

export function readTraceback(lines: readonly string[], ename: string, evalue: string): Traceback {
  const frames: Frame[] = [];
  for (const part of lines) {
    const frame = readFrame(part);
    if (frame) frames.push(frame);
  }
  return { frames, whole: frames.length > 0 ? '' : dropHeadline(lines.join('\n'), ename, evalue) };
}

function readFrame(text: string): Frame | null {
  const first = strip(text).trimStart().split('\n', 1)[0] ?? '';
  const body = text.replace(/^\n+|\n+$/g, '');
  const cell = CELL.exec(first);
  if (cell) {
    const line = cell[2] ? Number(cell[2]) : arrowLine(text);
    return { text: withoutFirstLine(body), where: `cell ${cell[1]}${line ? `, line ${line}` : ''}`, count: Number(cell[1]), line };
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
