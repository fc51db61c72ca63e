/**
 * How often a stream's text is drawn. What a person can read along is drawn as it comes. Of a flood, which nobody can, a drawing and
 * its frame take a quarter of the time at most, so that the page stays the person's. Pure: times in ms are passed in.
 */
const FADE = 200;
/** So many units printed in about the last FADE ms are a flood: 1,000 lines of 80 in a second. */
const FLOOD = 16 * 1024;
const LEAST = 80;
const MOST = 250;

export class DrawPace {
  #units = 0;
  #at = 0;
  #cost = 0;

  /** So much was printed; gives how long its drawing has to wait from now on, 0 for not at all. */
  printed(units: number, now: number): number {
    this.#fade(now);
    this.#units += units;
    if (this.#units < FLOOD) return 0;
    return Math.min(Math.max(4 * this.#cost, LEAST), MOST);
  }

  /** A drawing took so long, its frame included. */
  drew(ms: number): void {
    this.#cost = ms;
  }

  #fade(now: number): void {
    this.#units *= Math.exp((this.#at - now) / FADE);
    this.#at = now;
  }
}
