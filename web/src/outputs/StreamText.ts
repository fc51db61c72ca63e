/**
 * A stream's text in the page, kept up to date past React. Changes are drawn as they come: the store has gathered them for one frame
 * already. In a flood, and in a hidden tab, they are gathered for up to a quarter of a second. It owns the children of its element until it is closed.
 */
import { HEAD_MAX } from '../protocol/types';
import { afterFrame } from '../ui/frame';
import { nodeOf, type Span } from './ansi';
import { DrawPace } from './pace';
import { TextBlocks, type Block, type KeptText } from './blocks';

export interface TextFeed {
  get(): KeptText;
  subscribe(fn: (change: TextChange) => void): () => void;
}
export type TextChange = { readonly at: number; readonly skipped: number; readonly text: string } | { readonly reset: true };

export interface StreamOptions {
  /** Called after each drawing. `short`: so little text that it is low at any width. */
  readonly drawn?: (short: boolean) => void;
  /** Makes the mark that stands for text that is not shown. */
  readonly mark: () => Mark;
}

/** One element from first to last, so that its link can be pressed while a flood goes on. */
export interface Mark {
  readonly el: HTMLElement;
  /** So many units of `total` are not shown. */
  say(left: number, total: number): void;
}

const HIDDEN_MS = 250;
/** On the narrowest screen a line holds so many characters; so many lines are low. */
const NARROW = 30;
const LOW = 30;

export class StreamText {
  readonly #el: HTMLElement;
  readonly #feed: TextFeed;
  readonly #options: StreamOptions;
  readonly #model = new TextBlocks();
  readonly #pace = new DrawPace();
  #els: HTMLElement[] = [];
  #mark: Mark | null = null;
  #waiting: { at: number; skipped: number; text: string }[] = [];
  #reset = true;
  #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #off: () => void;

  constructor(el: HTMLElement, feed: TextFeed, options: StreamOptions) {
    this.#el = el;
    this.#feed = feed;
    this.#options = options;
    this.#off = feed.subscribe((change) => this.#take(change));
    this.#draw();
  }

  close(): void {
    this.#off();
    clearTimeout(this.#timer);
    this.#el.replaceChildren();
  }

  #take(change: TextChange): void {
    if ('reset' in change) {
      this.#reset = true;
      this.#waiting = [];
    } else if (!this.#reset) {
      this.#join(change);
    }
    const wait = this.#pace.printed('text' in change ? change.text.length : 0, performance.now());
    if (document.hidden) this.#timer ??= setTimeout(() => this.#draw(), HIDDEN_MS);
    else if (wait === 0) this.#draw();
    else this.#timer ??= setTimeout(() => this.#drawTimed(), wait);
  }

  /** One change that says both, where there is one. */
  #join(change: { at: number; skipped: number; text: string }): void {
    const last = this.#waiting.at(-1);
    const begin = last ? last.at + last.skipped : 0;
    if (last && change.skipped > 0 && change.at >= last.at && last.at >= HEAD_MAX) {
      this.#waiting[this.#waiting.length - 1] = { at: last.at, skipped: change.at + change.skipped - last.at, text: change.text };
    } else if (last && change.skipped === 0 && change.at >= begin && change.at <= begin + last.text.length) {
      last.text = last.text.slice(0, change.at - begin) + change.text;
    } else {
      this.#waiting.push({ ...change });
    }
  }

  #drawTimed(): void {
    const began = performance.now();
    this.#draw();
    afterFrame(() => this.#pace.drew(performance.now() - began));
  }

  #draw(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const changes = this.#waiting;
    this.#waiting = [];
    for (const { at, skipped, text } of this.#reset ? [] : changes) {
      const change = skipped > 0 ? this.#model.skip(at + skipped, text) : this.#model.put(at, text);
      if (change) this.#redraw(change.from, change.grown);
      else this.#reset = true;
    }
    if (this.#reset) this.#redraw(this.#model.reset(this.#feed.get()).from, []);
    this.#reset = false;
    this.#trim();
    this.#options.drawn?.(this.#short());
  }

  #short(): boolean {
    let rows = 0;
    for (const block of this.#model.blocks) {
      rows += block.lines + block.text.length / NARROW;
      if (rows > LOW) return false;
    }
    return true;
  }

  #redraw(from: number, grown: readonly Span[]): void {
    const last = this.#els[from - 1];
    if (last) for (const span of grown) last.append(nodeOf(span));
    for (const el of this.#els.splice(from)) el.remove();
    const fresh = document.createDocumentFragment();
    for (const block of this.#model.blocks.slice(from)) {
      const el = draw(block);
      this.#els.push(el);
      fresh.append(el);
    }
    this.#el.append(fresh);
    this.#el.classList.toggle('many', this.#els.length > 2);
  }

  #trim(): void {
    const kept = this.#feed.get();
    const first = this.#model.gap;
    const gone = this.#model.trim(kept.head.length, kept.tail_at).length;
    const gap = this.#model.gap;
    if (gap < 0) {
      this.#mark?.el.remove();
      this.#mark = null;
      return;
    }
    if (gone > 0) for (const el of this.#els.splice(first < 0 ? gap : first, gone)) el.remove();
    const before = this.#model.blocks[gap - 1];
    const after = this.#model.blocks[gap];
    const left = (after?.at ?? kept.total) - (before ? before.at + before.text.length : 0);
    this.#mark ??= this.#options.mark();
    this.#mark.say(left, kept.total);
    const { el } = this.#mark;
    const place = this.#els[gap] ?? null;
    if (!el.isConnected || el.nextSibling !== place) this.#el.insertBefore(el, place);
  }
}

function draw(block: Block): HTMLElement {
  const el = document.createElement('div');
  el.className = 'text-block';
  el.style.containIntrinsicSize = `auto ${Math.max(1, block.lines) * 19}px`;
  for (const span of block.spans) el.append(nodeOf(span));
  return el;
}
