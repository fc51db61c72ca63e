/** Work that is not for the frame that is being made. */

const waiting = new Set<() => void>();

function run(): void {
  const fns = [...waiting];
  waiting.clear();
  for (const fn of fns) fn();
}

/** Calls fn once, when the next frame has been drawn and the browser knows what is where; returns what takes that back. */
export function afterFrame(fn: () => void): () => void {
  const own = () => fn();
  if (waiting.size === 0) requestAnimationFrame(() => setTimeout(run));
  waiting.add(own);
  return () => void waiting.delete(own);
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
