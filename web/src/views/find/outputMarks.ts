/**
 * Marks in outputs as the page has drawn them. What is drawn differs from what was looked through (a table, formatted text, a traceback
 * whose frames are folded), so the drawn text is looked through once more, and the hits are matched by their place in the order.
 */
import type { CellId, OutputId } from '../../protocol/types';
import { CURRENT, highlighter, ALL } from './marks';
import type { Found, Match, Place, Query } from './query';
import type { Seeker } from './seeker';
import type { Result } from './work';

/** Not more text than this is marked, nearest to the current hit first. */
const MOST_TEXT = 2_000_000;
/** Room above and below what is shown. */
const MARGIN = 60;
/** What is drawn with an output and is not its text. */
const BESIDE = '.cut-mark, button, script, style, .katex-mathml';
const BLOCKS = 'address, blockquote, dd, div, dl, dt, figure, h1, h2, h3, h4, h5, h6, hr, li, ol, p, pre, section, table, td, th, tr, ul';

export class OutputMarks {
  readonly #seeker: Seeker;
  #ranges: Range[] = [];
  #found: Found | null = null;
  #query: Query | null = null;
  /** The current hit is to be brought into view. */
  #reveals = false;
  #here: Element | null = null;
  #watching: MutationObserver | null = null;

  constructor(seeker: Seeker) {
    this.#seeker = seeker;
  }

  mark(found: Found, query: Query): void {
    this.#found = found;
    this.#query = query;
    this.#draw();
  }

  reveal(): void {
    this.#reveals = true;
    this.#draw();
  }

  close(): void {
    this.#found = null;
    this.#reveals = false;
    this.#clear();
    this.#watching?.disconnect();
    this.#watching = null;
  }

  #draw(): void {
    const [found, query] = [this.#found, this.#query];
    if (!found || !query) return;
    const current = found.places[found.at];
    const outputs = inOrder(found, current);
    if (outputs.length === 0) {
      this.#seeker.drop('mark');
      return this.#clear();
    }
    const drawn = new Map<string, Drawn>();
    let size = 0;
    for (const { output } of outputs) {
      const el = elementOf(output);
      if (!el) continue;
      const text = new Drawn(el);
      size += text.text.length;
      if (size > MOST_TEXT && drawn.size > 0) break;
      drawn.set(output, text);
    }
    this.#waitFor(current, drawn);
    const all: Result[] = [];
    this.#seeker.ask(
      { lane: 'mark', query, texts: [...drawn].map(([key, { text }]) => ({ key, kind: 'plain', parts: [text] })) },
      { results: (some) => void all.push(...some), ended: () => this.#paint(all, drawn, current) },
    );
  }

  #paint(results: readonly Result[], drawn: ReadonlyMap<string, Drawn>, current: Place | undefined): void {
    this.#clear();
    const [all, now] = [highlighter(ALL), highlighter(CURRENT)];
    let shown: Range | null = null;
    for (const { key, hits } of results) {
      const text = drawn.get(key);
      if (!text) continue;
      const own = current?.output === key ? nearest(hits, current) : undefined;
      for (const hit of hits) {
        const range = text.range(hit);
        if (!range) continue;
        this.#ranges.push(range);
        (hit === own ? now : all)?.add(range);
        if (hit === own) shown = range;
      }
      if (current?.output !== key || !this.#reveals) continue;
      if (hits.length < current.of && unfold(text.el)) return void requestAnimationFrame(() => this.#draw());
    }
    if (!current?.output) return;
    const el = drawn.get(current.output)?.el ?? null;
    // In a frame nothing can be marked: the output is.
    this.#here = shown ? null : el;
    this.#here?.classList.add('found-here');
    if (!this.#reveals || !el) return;
    this.#reveals = false;
    bringIntoView(shown ?? el, el);
  }

  /** A cell that is not drawn yet is: then its output is marked. */
  #waitFor(current: Place | undefined, drawn: ReadonlyMap<string, Drawn>): void {
    this.#watching?.disconnect();
    this.#watching = null;
    const column = document.querySelector('.column');
    if (!this.#reveals || !current?.output || drawn.has(current.output) || !column) return;
    const { output } = current;
    this.#watching = new MutationObserver(() => {
      if (elementOf(output)) this.#draw();
    });
    this.#watching.observe(column, { childList: true, subtree: true });
  }

  #clear(): void {
    for (const range of this.#ranges.splice(0)) for (const name of [ALL, CURRENT]) highlighter(name)?.delete(range);
    this.#here?.classList.remove('found-here');
    this.#here = null;
  }
}

/** The outputs with hits, that of the current one first, then those of its cell. */
function inOrder(found: Found, current: Place | undefined): readonly { output: OutputId; cell: CellId }[] {
  const all = new Map<OutputId, CellId>();
  if (current?.output) all.set(current.output, current.cell);
  for (const near of [true, false]) {
    for (const { output, cell } of found.places) if (output !== null && !all.has(output) && (cell === current?.cell) === near) all.set(output, cell);
  }
  return [...all].map(([output, cell]) => ({ output, cell }));
}

function elementOf(output: OutputId): Element | null {
  return document.querySelector(`[data-outputs~="${CSS.escape(output)}"]`);
}

/** Of the hits in the drawn text the one that stands for a hit of the whole: counted from the end it is nearer to. */
function nearest(hits: readonly Match[], { nth, of }: Place): Match | undefined {
  if (hits.length === 0) return undefined;
  return nth < of / 2 ? hits[Math.min(nth, hits.length - 1)] : hits[Math.max(0, hits.length - (of - nth))];
}

/** Opens what is folded in an output; false when nothing is. */
function unfold(el: Element): boolean {
  const folds = [...el.querySelectorAll<HTMLElement>('.fold[aria-expanded=false]')];
  for (const fold of folds) fold.click();
  return folds.length > 0;
}

/** The text of an element as it is read, and where its parts are. */
class Drawn {
  readonly el: Element;
  readonly text: string;
  readonly #nodes: Node[] = [];
  readonly #starts: number[] = [];

  constructor(el: Element) {
    this.el = el;
    const walker = document.createTreeWalker(el, NodeFilter.SHOW_TEXT, (node) => (node.parentElement?.closest(BESIDE) ? NodeFilter.FILTER_REJECT : NodeFilter.FILTER_ACCEPT));
    const parts: string[] = [];
    let at = 0;
    let block: Element | null | undefined = null;
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      const own = node.parentElement?.closest(BLOCKS);
      if (own !== block && at > 0) {
        parts.push('\n');
        at++;
      }
      block = own;
      this.#nodes.push(node);
      this.#starts.push(at);
      const text = node.nodeValue ?? '';
      parts.push(text);
      at += text.length;
    }
    this.text = parts.join('');
  }

  range({ from, to }: Match): Range | null {
    const [first, last] = [this.#at(from), this.#at(to - 1)];
    const [begin, end] = [this.#nodes[first], this.#nodes[last]];
    if (!begin || !end || !begin.isConnected || !end.isConnected) return null;
    const offset = (i: number, at: number, node: Node) => Math.min(at - (this.#starts[i] ?? 0), node.nodeValue?.length ?? 0);
    const range = document.createRange();
    range.setStart(begin, offset(first, from, begin));
    range.setEnd(end, offset(last, to, end));
    return range;
  }

  /** The node that a place is in. */
  #at(place: number): number {
    let [low, high] = [0, this.#starts.length - 1];
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if ((this.#starts[middle] ?? 0) <= place) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

/** Scrolls what it is in, from the inside out, only as far as needed. */
function bringIntoView(what: Range | Element, within: Element): void {
  const start = what instanceof Range ? what.startContainer.parentElement : within;
  for (let el = start?.parentElement ?? null; el; el = el.parentElement) {
    if (!el.matches('.out-scroll, .main')) continue;
    const place = what.getBoundingClientRect();
    const box = el.getBoundingClientRect();
    const tall = place.height > box.height - 2 * MARGIN;
    if (place.top < box.top + MARGIN || (place.bottom > box.bottom - MARGIN && !tall)) el.scrollTop += place.top - (tall ? box.top + MARGIN : (box.top + box.bottom) / 2);
    if (place.left < box.left || place.right > box.right) el.scrollLeft += place.left - (box.left + box.right) / 2;
    if (el.matches('.main')) return;
  }
}
