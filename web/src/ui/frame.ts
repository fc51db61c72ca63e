/** Work that is not for the frame that is being made. */

let next: Set<() => void> | null = null;

/** For what is put in before the next frame is made; what comes later, even if that frame is not drawn yet, is for one after it. */
function nextFrame(): Set<() => void> {
  const fns = new Set<() => void>();
  requestAnimationFrame(() => {
    next = null;
    setTimeout(() => fns.forEach((fn) => fn()));
  });
  return fns;
}

/** Calls fn once, when the next frame has been drawn and the browser knows what is where; returns what takes that back. */
export function afterFrame(fn: () => void): () => void {
  const own = () => fn();
  const fns = (next ??= nextFrame());
  fns.add(own);
  return () => void fns.delete(own);
}

/** Calls fn once, when an element that fits the selector has been drawn, or after so many ms without one. */
export function onceThere(selector: string, within: number, fn: () => void): void {
  const go = () => {
    clearTimeout(timer);
    observer.disconnect();
    fn();
  };
  const timer = setTimeout(go, within);
  const observer = new MutationObserver(() => {
    if (!document.querySelector(selector)) return;
    observer.disconnect();
    afterFrame(go);
  });
  observer.observe(document, { childList: true, subtree: true });
}
