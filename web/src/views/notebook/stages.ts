/** Who is coloured and who has a live editor. */
import type { EditorHandle } from '../../editor';

let observer: IntersectionObserver | null = null;
const waiting = new WeakMap<Element, () => void>();

/** Calls fn once when the element is within a screen of the viewport. */
export function near(el: Element, fn: () => void): () => void {
  observer ??= new IntersectionObserver(
    (entries) => {
      for (const entry of entries) {
        if (!entry.isIntersecting) continue;
        observer?.unobserve(entry.target);
        waiting.get(entry.target)?.();
        waiting.delete(entry.target);
      }
    },
    { rootMargin: '100% 0px' },
  );
  waiting.set(el, fn);
  observer.observe(el);
  return () => {
    waiting.delete(el);
    observer?.unobserve(el);
  };
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
