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

/**
 * Cuts to the first `at` units and appends text; then what the tail holds before tailAt is dropped. The head is the first
 * HEAD_MAX units of the whole; an `at` inside what was dropped leaves the tail empty there. One that does not fit changes nothing.
 */
export function putText(t: Text, at: number, text: string, tailAt = 0): Text {
  if (!fits(t, at)) return t;
  const put = inTail(t, at) ? putTail(t, at, text) : putHead(t, at, text);
  if (tailAt <= put.tail_at || tailAt > put.total) return put;
  const n = whole(put.tail, tailAt - put.tail_at);
  return { ...put, tail: put.tail.slice(n), tail_at: put.tail_at + n };
}

/** Whether `at` is a place of the text: not past its end, not between the halves of a pair. */
export function fits(t: Text, at: number): boolean {
  if (at < 0 || at > t.total) return false;
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

export interface Put {
  readonly at: number;
  readonly text: string;
  readonly tail_at?: number | undefined;
}

/**
 * Two puts, one after the other, as one; null when that would not be the same. Many puts between two frames cost as one so.
 * `first` must fit the text.
 */
export function joinPuts(t: Text, first: Put, second: Put): Put | null {
  if (second.at < (first.tail_at ?? 0) || second.at > first.at + first.text.length) return null;
  const tail_at = Math.max(first.tail_at ?? 0, second.tail_at ?? 0);
  // One beyond the end drops nothing.
  if ((first.tail_at ?? 0) > first.at + first.text.length || tail_at > second.at + second.text.length) return null;
  if (second.at < first.at && !fits(t, second.at)) return null;
  if (second.at <= first.at) return { at: second.at, text: second.text, tail_at };
  // Between the halves of a pair, the second changes nothing.
  const keep = whole(first.text, second.at - first.at);
  if (keep !== second.at - first.at) return null;
  return { at: first.at, text: (keep === first.text.length ? first.text : first.text.slice(0, keep)) + second.text, tail_at };
}
