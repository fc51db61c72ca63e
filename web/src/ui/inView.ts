/** For so long things come in above what was just shown. */
const SETTLING_MS = 3_000;

/** Keeps an element in view while what is around it finds its size, unless the person moves meanwhile. Gives what ends it. */
export function keepInView(el: Element, around: Element | null): () => void {
  const end = new AbortController();
  const sizes = new ResizeObserver(() => el.scrollIntoView({ block: 'nearest' }));
  const stop = () => {
    end.abort();
    sizes.disconnect();
    clearTimeout(timer);
  };
  const timer = setTimeout(stop, SETTLING_MS);
  for (const type of ['wheel', 'pointerdown', 'touchmove', 'keydown']) addEventListener(type, stop, { signal: end.signal, passive: true });
  if (around) sizes.observe(around);
  return stop;
}
