/**
 * Stream text as blocks of about 200 lines, each its own element with content-visibility: an append touches the last block only,
 * and a browser lays out only what is seen. Offsets are UTF-16 code units of the whole text. Past a limit the middle is left out,
 * and said so. Pure: the DOM is in StreamText.
 */
import { HEAD_MAX } from '../protocol/types';
import { parse, START, type AnsiState, type Span } from './ansi';

export const BLOCK_LINES = 200;
/** At most 50,000 lines: the first 10,000 and the last 40,000. */
export const HEAD_BLOCKS = 50;
export const TAIL_BLOCKS = 200;

export interface Block {
  readonly id: number;
  readonly at: number;
  readonly text: string;
  readonly lines: number;
  readonly begin: AnsiState;
  readonly end: AnsiState;
  /** Grows in place with the block. */
  readonly spans: Span[];
}

/** What changed: blocks before `from` stand, except that `grown` was added to the last of them; the rest is drawn anew. */
export interface BlockChange {
  readonly from: number;
  readonly grown: readonly Span[];
}

export interface KeptText {
  readonly head: string;
  readonly tail: string;
  readonly tail_at: number;
  readonly total: number;
}

export class TextBlocks {
  readonly #blocks: Block[] = [];
  #nextId = 1;
  /** The block after which text is left out, or -1. */
  #gap = -1;

  get blocks(): readonly Block[] {
    return this.#blocks;
  }

  /** How many blocks stand before the left-out middle; -1 when nothing is left out. */
  get gap(): number {
    return this.#gap;
  }

  get end(): number {
    const last = this.#blocks.at(-1);
    return last ? last.at + last.text.length : 0;
  }

  reset(text: KeptText): BlockChange {
    this.#blocks.length = 0;
    this.#gap = -1;
    this.#append(text.head, 0, START);
    if (text.tail_at > text.head.length) {
      this.#gap = this.#blocks.length;
      this.#append(text.tail, text.tail_at, START, true);
    } else {
      this.put(text.head.length, text.tail);
    }
    return { from: 0, grown: [] };
  }

  /** Cuts the text to `at` and appends. Null when `at` lies in the middle that is left out: then reset. */
  put(at: number, text: string): BlockChange | null {
    if (at >= this.end) return this.#grow(text);
    let i = this.#blocks.length - 1;
    while (i > 0 && (this.#blocks[i]?.at ?? 0) > at) i--;
    const block = this.#blocks[i];
    if (!block) return this.#grow(text);
    if (at > block.at + block.text.length || (i === this.#gap && at === block.at)) return null;
    const kept = block.text.slice(0, at - block.at);
    this.#blocks.length = i;
    if (this.#gap > i) this.#gap = -1;
    this.#append(kept + text, block.at, block.begin, i === this.#gap);
    return { from: i, grown: [] };
  }

  /** Leaves out all that comes after the head: the text goes on at `at`. */
  skip(at: number, text: string): BlockChange {
    const from = this.#gap >= 0 ? this.#gap : this.#headCount(HEAD_MAX);
    this.#blocks.length = from;
    this.#gap = from;
    this.#append(text, at, START, true);
    return { from, grown: [] };
  }

  /** Leaves out blocks of the middle: what lies between the head and tailAt, and what is over the limit. Gives the ids that went. */
  trim(headEnd: number, tailAt: number): number[] {
    const first = this.#gap >= 0 ? this.#gap : this.#headCount(headEnd);
    let n = 0;
    for (;;) {
      const block = this.#blocks[first + n];
      if (!block) break;
      const passed = tailAt > headEnd && block.at + block.text.length <= tailAt;
      if (!passed && this.#blocks.length - first - n <= TAIL_BLOCKS) break;
      n++;
    }
    if (n === 0 || first + n >= this.#blocks.length) return [];
    this.#gap = first;
    return this.#blocks.splice(first, n).map((b) => b.id);
  }

  #headCount(headEnd: number): number {
    let i = 0;
    while (i < HEAD_BLOCKS && i < this.#blocks.length && (this.#blocks[i]?.at ?? 0) < headEnd) i++;
    return i;
  }

  #grow(text: string): BlockChange {
    const before = this.#blocks.length;
    const last = this.#blocks.at(-1);
    if (!last || isFull(last) || this.#gap === before) {
      this.#append(text, this.end, last?.end ?? START);
      return { from: before, grown: [] };
    }
    const cut = cutAfterLines(text, BLOCK_LINES - last.lines);
    const { spans, state } = parse(text.slice(0, cut), last.end);
    for (const span of spans) last.spans.push(span);
    this.#blocks[before - 1] = { ...last, text: last.text + text.slice(0, cut), lines: last.lines + countLines(text, cut), end: state };
    if (cut < text.length) this.#append(text.slice(cut), this.end, state);
    return { from: before, grown: spans };
  }

  #append(text: string, at: number, begin: AnsiState, evenEmpty = false): void {
    let rest = text;
    let state = begin;
    let offset = at;
    while (rest || evenEmpty) {
      evenEmpty = false;
      const cut = cutAfterLines(rest, BLOCK_LINES);
      const part = rest.slice(0, cut);
      const { spans, state: end } = parse(part, state);
      this.#blocks.push({ id: this.#nextId++, at: offset, text: part, lines: countLines(part, cut), begin: state, end, spans });
      rest = rest.slice(cut);
      offset += cut;
      state = end;
    }
  }
}

const isFull = (b: Block) => b.lines >= BLOCK_LINES;

/** Where the first n lines end; the whole length when there are fewer. */
function cutAfterLines(text: string, n: number): number {
  let at = 0;
  for (let i = 0; i < n; i++) {
    const next = text.indexOf('\n', at);
    if (next < 0) return text.length;
    at = next + 1;
  }
  return at;
}

function countLines(text: string, until: number): number {
  let n = 0;
  for (let at = text.indexOf('\n'); at >= 0 && at < until; at = text.indexOf('\n', at + 1)) n++;
  return n;
}
