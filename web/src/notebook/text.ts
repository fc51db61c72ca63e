import { HEAD_MAX, type Text } from '../protocol/types';

/** The text of a stream output, as the Go side's Text.Put keeps it (P28, P31): offsets are UTF-16 code units. */

export const emptyText: Text = { head: '', tail: '', tail_at: 0, total: 0 };

/** The place n of s, or the one before when n would cut a surrogate pair in two. */
export function whole(s: string, n: number): number {
  if (n <= 0 || n >= s.length) return Math.min(Math.max(n, 0), s.length);
  const before = s.charCodeAt(n - 1);
  const after = s.charCodeAt(n);
  return before >= 0xd800 && before < 0xdc00 && after >= 0xdc00 && after < 0xe000 ? n - 1 : n;
}

/**
 * Cuts to the first `at` units and appends text; then what the tail holds before tailAt is dropped. The head is the first
 * HEAD_MAX units of the whole; an `at` inside what was dropped leaves the tail empty there.
 */
export function putText(t: Text, at: number, text: string, tailAt = 0): Text {
  const place = Math.min(Math.max(at, 0), t.total);
  const put = place > t.tail_at || place > t.head.length ? putTail(t, place, text) : putHead(t, place, text);
  if (tailAt <= put.tail_at || tailAt > put.total) return put;
  const n = whole(put.tail, tailAt - put.tail_at);
  return { ...put, tail: put.tail.slice(n), tail_at: put.tail_at + n };
}

function putHead(t: Text, at: number, text: string): Text {
  const keep = whole(t.head, at);
  const n = whole(text, HEAD_MAX - keep);
  const head = (keep === t.head.length ? t.head : t.head.slice(0, keep)) + text.slice(0, n);
  const tail = text.slice(n);
  return { head, tail, tail_at: head.length, total: head.length + tail.length };
}

function putTail(t: Text, at: number, text: string): Text {
  if (at < t.tail_at) return { head: t.head, tail: text, tail_at: at, total: at + text.length };
  const keep = whole(t.tail, at - t.tail_at);
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
 * The text they go to is not asked: `first.at` must not lie between the halves of a pair there, and the server's never does,
 * since it counts whole characters (P28).
 */
export function joinPuts(first: Put, second: Put): Put | null {
  if (second.at < (first.tail_at ?? 0) || second.at > first.at + first.text.length) return null;
  const tail_at = Math.max(first.tail_at ?? 0, second.tail_at ?? 0);
  // One beyond the end drops nothing.
  if ((first.tail_at ?? 0) > first.at + first.text.length || tail_at > second.at + second.text.length) return null;
  if (second.at <= first.at) return { at: second.at, text: second.text, tail_at };
  // Not between the halves of a pair: putText would keep less there.
  const keep = whole(first.text, second.at - first.at);
  if (keep !== second.at - first.at) return null;
  return { at: first.at, text: (keep === first.text.length ? first.text : first.text.slice(0, keep)) + second.text, tail_at };
}
