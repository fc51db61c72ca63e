/** Work that can wait, done when the browser has time and nobody is in the middle of typing. */

/** After a key press or a click the page is that person's alone for so long. */
const BUSY_MS = 300;
/** Waited no longer than this, however busy browser and person are. */
const PATIENCE_MS = 1500;

let used = -Infinity;
let watching = false;

function watch(): void {
  if (watching) return;
  watching = true;
  const put = (e: Event) => {
    used = e.timeStamp;
  };
  for (const kind of ['keydown', 'pointerdown']) addEventListener(kind, put, { capture: true, passive: true });
}

/** Calls fn once; returns what takes that back. */
export function whenIdle(fn: () => void): () => void {
  watch();
  const latest = performance.now() + PATIENCE_MS;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let idle = 0;
  const look = () => {
    const now = performance.now();
    const wait = Math.min(used + BUSY_MS, latest) - now;
    if (wait > 0) timer = setTimeout(look, wait);
    else if (typeof requestIdleCallback === 'function') idle = requestIdleCallback(fn, { timeout: Math.max(1, latest - now) });
    else timer = setTimeout(fn, 16);
  };
  look();
  return () => {
    clearTimeout(timer);
    if (idle > 0) cancelIdleCallback(idle);
  };
}
