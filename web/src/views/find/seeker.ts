/**
 * Has texts looked through by a worker, and ends one that takes too long over a text: an expression can be made that would take for
 * ever, and the page must not wait for it.
 */
import type { Answer, Lane, Question, Result } from './work';

/** What a worker is to it. */
export interface Port {
  postMessage(question: Question): void;
  terminate(): void;
  onmessage: ((e: { readonly data: Answer | 'ready' }) => void) | null;
  onerror: (() => void) | null;
}

export interface Listener {
  results(results: readonly Result[]): void;
  /** The last that is told; `problem`: why not all was looked through. */
  ended(problem: string): void;
}

/** ms without a sign of a worker that has something to do; when something newer is asked meanwhile, it is ended sooner. */
const PATIENCE = 2_000;
const IMPATIENCE = 100;

const SLOW = 'takes too long';
const FAILED = 'the search could not be loaded';

export class Seeker {
  readonly #start: () => Port;
  readonly #now: () => number;
  #port: Port | null = null;
  #ready = false;
  #heardAt = 0;
  #last = 0;
  readonly #open = new Map<number, { question: Question; listener: Listener }>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(start: () => Port, now: () => number) {
    this.#start = start;
    this.#now = now;
  }

  /** Takes the place of what was asked before in the lane; of that nothing more is told. */
  ask(asked: Omit<Question, 'n'>, listener: Listener): void {
    const question = { n: ++this.#last, ...asked };
    if (this.drop(question.lane) && this.#ready && this.#now() - this.#heardAt > IMPATIENCE) this.#end();
    this.#open.set(question.n, { question, listener });
    if (this.#port) this.#port.postMessage(question);
    else this.#begin();
    if (this.#ready && this.#timer === undefined) this.#watch();
  }

  /** Whether something was being done there. */
  drop(lane: Lane): boolean {
    const gone = [...this.#open].filter(([, { question }]) => question.lane === lane);
    for (const [n] of gone) this.#open.delete(n);
    return gone.length > 0;
  }

  close(): void {
    this.#open.clear();
    this.#end();
  }

  #begin(): void {
    const port = this.#start();
    port.onmessage = ({ data }) => this.#heard(data);
    port.onerror = () => this.#fail(FAILED);
    this.#port = port;
    for (const { question } of this.#open.values()) port.postMessage(question);
  }

  #heard(data: Answer | 'ready'): void {
    if (data === 'ready') {
      this.#ready = true;
      return this.#watch();
    }
    const open = this.#open.get(data.n);
    if (data.done) this.#open.delete(data.n);
    this.#watch();
    if (!open) return;
    if (data.results.length > 0) open.listener.results(data.results);
    if (data.done) open.listener.ended(data.problem ?? '');
  }

  #watch(): void {
    this.#heardAt = this.#now();
    clearTimeout(this.#timer);
    this.#timer = this.#open.size === 0 ? undefined : setTimeout(() => this.#fail(SLOW), PATIENCE);
  }

  /** Others that waited are told too: they ask again when they want to. */
  #fail(why: string): void {
    const open = [...this.#open.values()];
    this.close();
    for (const { listener } of open) listener.ended(why);
  }

  #end(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#ready = false;
    this.#port?.terminate();
    this.#port = null;
  }
}
