import type { FeedFrame, Subscription } from '../protocol/types';

export type FeedPhase = 'off' | 'asking' | 'loading' | 'live' | 'gone';

/**
 * Where one notebook's events have got to on this page: checks that each follows the one before (P23), and asks again from there
 * when not. Each asking has a name of its own, so that what still comes for an older one is told apart.
 */
export class Feed {
  notebook: string;
  phase: FeedPhase = 'off';
  /** The last number that the server is known to have reached. */
  top = 0;
  #epoch = '';
  #n = 0;
  #name: string;
  #times = 0;
  #behind = 0;
  #sub = '';

  constructor(name: string, notebook: string) {
    this.#name = name;
    this.notebook = notebook;
  }

  get sub(): string {
    return this.#sub;
  }
  get n(): number {
    return this.#n;
  }
  get behind(): number {
    return Math.max(0, this.top - this.#n);
  }

  /** A new subscription from where this feed is. */
  ask(): Subscription {
    this.#sub = `${this.#name}.${++this.#times}`;
    // A snapshot that had not come whole is no position.
    const known = this.#epoch !== '' && this.phase !== 'loading';
    this.phase = 'asking';
    this.#behind = 0;
    if (!known) this.#epoch = '';
    return { sub: this.#sub, notebook: this.notebook, ...(known ? { epoch: this.#epoch, n: this.#n } : {}) };
  }

  /** The line is gone. */
  lost(): void {
    if (this.phase === 'loading') this.#epoch = '';
    if (this.phase !== 'gone') this.phase = 'off';
  }

  /** `take`: it follows; `skip`: it is of no use; `gap`: something is missing, ask again. */
  check(frame: FeedFrame): 'take' | 'skip' | 'gap' {
    if (frame.sub !== this.#sub) return 'skip';
    switch (frame.type) {
      case 'gone':
        this.phase = 'gone';
        return 'take';
      case 'resume':
        if (frame.epoch !== this.#epoch || frame.from > this.#n + 1) return 'gap';
        this.phase = 'live';
        return 'take';
      case 'snapshot':
        this.#epoch = frame.state.epoch;
        this.#n = frame.state.n;
        this.top = Math.max(frame.state.n, 0);
        this.phase = frame.more ? 'loading' : 'live';
        return 'take';
      case 'snapshot_part':
        if (this.phase !== 'loading') return 'gap';
        if (!frame.more) this.phase = 'live';
        return 'take';
      case 'events':
        if (frame.epoch !== this.#epoch || this.phase === 'loading' || frame.from > this.#n + 1) return 'gap';
        if (frame.n <= this.#n) return 'skip';
        this.#n = frame.n;
        this.top = Math.max(this.top, frame.n);
        return 'take';
    }
  }

  /** The server's top as a ping says it; true when this feed has been behind for two pings: something got lost (P29). */
  heard(top: number): boolean {
    this.top = Math.max(this.top, top);
    if (this.phase !== 'live' || top <= this.#n) {
      this.#behind = 0;
      return false;
    }
    const stuck = this.#behind > 0 && this.#behind > this.#n;
    this.#behind = top;
    return stuck;
  }
}
