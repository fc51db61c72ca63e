/** How long to wait before the next try: 1 s doubling to 30 s for ten tries, then every 30 s, with jitter and without end. */

const FIRST = 1_000;
const MOST = 30_000;

/** `tries` that failed in a row, from 1; `random` in [0, 1). Between half of the step and all of it, so that many pages spread out. */
export function retryDelay(tries: number, random: number): number {
  const step = Math.min(MOST, FIRST * 2 ** Math.min(Math.max(tries - 1, 0), 10));
  if (tries > 10) return Math.round(MOST * (0.9 + 0.2 * random));
  return Math.round(step * (0.5 + 0.5 * random));
}
