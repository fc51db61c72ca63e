/**
 * What moves while something runs moves in steps of a timer, all of it in one frame. An endless CSS animation lets the browser make
 * every frame of the screen, for a dot that turns: half of a core where no graphics card helps, and a key press waits among them.
 */
const BEAT_MS = 120;

const moving = new Set<(beat: number) => void>();
let timer: ReturnType<typeof setInterval> | undefined;
let beat = 0;

/** Calls step in each beat until the function that it returns is called; never where people want no motion. */
function move(step: (beat: number) => void): () => void {
  if (matchMedia('(prefers-reduced-motion: reduce)').matches) return () => {};
  moving.add(step);
  step(beat);
  timer ??= setInterval(() => {
    beat++;
    if (!document.hidden) for (const fn of moving) fn(beat);
  }, BEAT_MS);
  return () => {
    moving.delete(step);
    if (moving.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
}

/** A ref: the element turns. */
export function turning(el: HTMLElement): () => void {
  const stop = move((n) => { el.style.rotate = `${(n % 8) * 45}deg`; });
  return () => {
    stop();
    el.style.rotate = '';
  };
}

/** A ref: the element's background flows downwards. */
export function flowing(el: HTMLElement): () => void {
  return move((n) => { el.style.backgroundPositionY = `${(n * 15) % 200}%`; });
}
