/** Who is coloured and who has a live editor. */
import type { EditorHandle } from '../../editor';

const STATE_CHANGE = 'contentvisibilityautostatechange';

/**
 * Calls fn once when the element comes near the viewport. Its card has content-visibility: auto, so the browser watches that already
 * and says so; a card without is drawn anyway.
 */
export function near(el: Element, fn: () => void): () => void {
  const card = el.closest('.box');
  if (!card || !('oncontentvisibilityautostatechange' in card) || getComputedStyle(card).contentVisibility !== 'auto') {
    fn();
    return () => undefined;
  }
  const look = (e: Event) => {
    if ('skipped' in e && e.skipped === true) return;
    card.removeEventListener(STATE_CHANGE, look);
    fn();
  };
  card.addEventListener(STATE_CHANGE, look);
  return () => card.removeEventListener(STATE_CHANGE, look);
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
