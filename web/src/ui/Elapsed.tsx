import { useEffect, useRef } from 'react';

type Tick = () => void;
const ticks = new Set<Tick>();
let timer: ReturnType<typeof setInterval> | undefined;

/** Calls fn once a second as long as somebody wants it: one timer for the whole page. */
export function everySecond(fn: Tick): () => void {
  ticks.add(fn);
  timer ??= setInterval(() => {
    for (const tick of Array.from(ticks)) tick();
  }, 1000);
  return () => {
    ticks.delete(fn);
    if (ticks.size === 0) {
      clearInterval(timer);
      timer = undefined;
    }
  };
}

/** Text that is made anew each second, written past React. */
export function Ticking({ text, className }: { text: () => string; className?: string }) {
  const ref = useRef<HTMLSpanElement>(null);
  useEffect(() => {
    const put = () => {
      const now = text();
      if (ref.current && ref.current.textContent !== now) ref.current.textContent = now;
    };
    put();
    return everySecond(put);
  }, [text]);
  return (
    <span className={className} ref={ref}>
      {text()}
    </span>
  );
}
