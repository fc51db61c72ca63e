/** What was done to cells, and how to take it back. Typing has an undo of its own, in the editor. */
export interface Step {
  readonly undo: () => void;
  readonly redo: () => void;
}

const KEPT = 100;

export class Undo {
  #done: Step[] = [];
  #undone: Step[] = [];

  did(step: Step): Step {
    this.#done = [...this.#done.slice(-KEPT), step];
    this.#undone = [];
    return step;
  }

  undo(): boolean {
    const step = this.#done.pop();
    if (!step) return false;
    step.undo();
    this.#undone.push(step);
    return true;
  }

  redo(): boolean {
    const step = this.#undone.pop();
    if (!step) return false;
    step.redo();
    this.#done.push(step);
    return true;
  }

  /** Takes back this one step, also when others came after it. */
  back(step: Step): void {
    if (!this.#done.includes(step)) return;
    this.#done = this.#done.filter((s) => s !== step);
    step.undo();
    this.#undone.push(step);
  }
}
