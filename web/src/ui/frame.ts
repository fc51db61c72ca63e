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
