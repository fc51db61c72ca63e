/** Who is coloured and who has a live editor. */
import type { EditorHandle } from '../../editor';
import { afterFrame } from '../../ui/frame';

const STATE_CHANGE = 'contentvisibilityautostatechange';

/**
 * Calls fn once when the element is near the viewport, not before the next frame has been drawn. Its card has content-visibility: auto,
 * so the browser watches that already and says so.
 */
export function near(el: Element, fn: () => void): () => void {
  const card = el.closest('.box');
  const stop = () => {
    card?.removeEventListener(STATE_CHANGE, look);
    cancel();
  };
  const go = () => {
    stop();
    fn();
  };
  const look = (e: Event) => {
    if (e.target === card && !('skipped' in e && e.skipped === true)) go();
  };
  card?.addEventListener(STATE_CHANGE, look);
  // One that is drawn already is not told of.
  const cancel = afterFrame(() => el.checkVisibility({ contentVisibilityAuto: true }) && go());
  return stop;
}

const KEPT = 24;

/** Keeps the number of live editors small: the one used longest ago becomes text again, never one with the focus. */
export class EditorPool {
  readonly #all: { handle: EditorHandle; el: HTMLElement; close: () => void }[] = [];

  add(handle: EditorHandle, el: HTMLElement, close: () => void): void {
    this.#all.push({ handle, el, close });
    if (this.#all.length <= KEPT) return;
    const oldest = this.#all.find((e) => e.handle !== handle && !e.el.contains(document.activeElement));
    if (oldest) queueMicrotask(oldest.close);
  }

  drop(handle: EditorHandle): void {
    const at = this.#all.findIndex((e) => e.handle === handle);
    if (at >= 0) this.#all.splice(at, 1);
  }
}
