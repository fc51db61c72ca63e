import { HEAD_MAX, type Output, type OutputId, type Text } from '../protocol/types';

/** The text of a stream output, as the Go side's Text.Put keeps it (P28, P31): offsets are UTF-16 code units. */

export const emptyText: Text = { head: '', tail: '', tail_at: 0, total: 0 };

/** The text of a stream output; undefined when there is none. */
export function textOf(outputs: readonly Output[], id: OutputId): Text | undefined {
  const output = outputs.findLast((o) => o.id === id);
  return output?.kind === 'stream' ? output.text : undefined;
}

/** The place n of s, or the one before when n would cut a surrogate pair in two. */
export function whole(s: string, n: number): number {
  if (n <= 0 || n >= s.length) return Math.min(Math.max(n, 0), s.length);
  const before = s.charCodeAt(n - 1);
  const after = s.charCodeAt(n);
  return before >= 0xd800 && before < 0xdc00 && after >= 0xdc00 && after < 0xe000 ? n - 1 : n;
}

/** A change of a text, as `text_put` says it: see putText. */
export interface Put {
  readonly at: number;
  readonly skipped?: number | undefined;
  readonly text: string;
  readonly tail_at?: number | undefined;
}

/**
 * Cuts to the first `at` units and appends text; then what the tail holds before `tail_at` is dropped. The head is the first
 * HEAD_MAX units of the whole; an `at` inside what was dropped leaves the tail empty there. With `skipped` the text begins that many
 * units later, and the tail with it: what lies between is dropped and was not sent. One that does not fit changes nothing.
 */
export function putText(t: Text, { at, skipped = 0, text, tail_at = 0 }: Put): Text {
  if (!fits(t, { at, skipped })) return t;
  const begin = at + skipped;
  const from = skipped > 0 ? { head: t.head, tail: '', tail_at: begin, total: begin } : t;
  const put = inTail(from, begin) ? putTail(from, begin, text) : putHead(from, begin, text);
  if (tail_at <= put.tail_at || tail_at > put.total) return put;
  const n = whole(put.tail, tail_at - put.tail_at);
  return { ...put, tail: put.tail.slice(n), tail_at: put.tail_at + n };
}

/** Puts a piece of a snapshot's text: one that lies past the end leaves a gap before it, as a dropped part does. */
export function fillText(t: Text, at: number, text: string): Text {
  return at > t.total ? { head: t.head, tail: text, tail_at: at, total: at + text.length } : putText(t, { at, text });
}

/** Whether `at` is a place of the text: not past its end, not between the halves of a pair. Nothing of the head is skipped. */
export function fits(t: Text, { at, skipped = 0 }: Pick<Put, 'at' | 'skipped'>): boolean {
  if (at < 0 || at > t.total) return false;
  if (skipped > 0) return at >= HEAD_MAX;
  if (!inTail(t, at)) return whole(t.head, at) === at;
  return at < t.tail_at || whole(t.tail, at - t.tail_at) === at - t.tail_at;
}

function inTail(t: Text, at: number): boolean {
  return at > t.tail_at || at > t.head.length;
}

function putHead(t: Text, at: number, text: string): Text {
  const n = whole(text, HEAD_MAX - at);
  const head = (at === t.head.length ? t.head : t.head.slice(0, at)) + text.slice(0, n);
  const tail = text.slice(n);
  return { head, tail, tail_at: head.length, total: head.length + tail.length };
}

function putTail(t: Text, at: number, text: string): Text {
  if (at < t.tail_at) return { head: t.head, tail: text, tail_at: at, total: at + text.length };
  const keep = at - t.tail_at;
  const tail = (keep === t.tail.length ? t.tail : t.tail.slice(0, keep)) + text;
  return { head: t.head, tail, tail_at: t.tail_at, total: t.tail_at + tail.length };
}

/**
 * Two puts, one after the other, as one; null when that would not be the same. Many puts between two frames cost as one so.
 * `first` must fit the text.
 */
export function joinPuts(t: Text, first: Put, second: Put): Put | null {
  const begin = first.at + (first.skipped ?? 0);
  const end = begin + first.text.length;
  if (second.at > end) return null;
  if (second.skipped) return joinSkip(t, first, second, second.skipped);
  const tail_at = Math.max(first.tail_at ?? 0, second.tail_at ?? 0);
  // One beyond the end drops nothing.
  if (second.at < (first.tail_at ?? 0) || (first.tail_at ?? 0) > end || tail_at > second.at + second.text.length) return null;
  if (second.at < begin) return !first.skipped && fits(t, second) ? { at: second.at, text: second.text, tail_at } : null;
  // Between the halves of a pair, the second changes nothing.
  const keep = whole(first.text, second.at - begin);
  if (keep !== second.at - begin) return null;
  const text = (keep === first.text.length ? first.text : first.text.slice(0, keep)) + second.text;
  return { at: first.at, skipped: first.skipped, text, tail_at };
}

/** The second leaves nothing of the tail that the first has put. */
function joinSkip(t: Text, first: Put, second: Put, skipped: number): Put | null {
  const at = Math.min(first.at, second.at);
  if (!fits(t, { at, skipped })) return null;
  return { at, skipped: second.at + skipped - at, text: second.text, tail_at: second.tail_at };
}
