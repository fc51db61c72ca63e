/** Whether the person waits for what comes: nothing was typed or pressed since the run they asked for, or since the page came. */
export class Presence {
  #touched = -Infinity;
  #ran = 0;

  /** A key or the pointer, at the event's own time. */
  touch(at: number): void {
    this.#touched = at;
  }

  /** A run was asked for. The key that asked comes before it. */
  ran(at: number): void {
    this.#ran = at;
  }

  get waits(): boolean {
    return this.#ran >= this.#touched;
  }
}
