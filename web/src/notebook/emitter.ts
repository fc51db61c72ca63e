/** Handlers by kind of happening. */
export class Emitter<Kinds> {
  readonly #handlers: { [K in keyof Kinds]?: Set<(what: Kinds[K]) => void> } = {};

  on<K extends keyof Kinds>(kind: K, fn: (what: Kinds[K]) => void): () => void {
    const set = (this.#handlers[kind] ??= new Set());
    const own = (what: Kinds[K]) => fn(what);
    set.add(own);
    return () => void set.delete(own);
  }

  tell<K extends keyof Kinds>(kind: K, what: Kinds[K]): void {
    for (const fn of [...(this.#handlers[kind] ?? [])]) fn(what);
  }
}
