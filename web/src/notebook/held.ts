import { cellId, commandId, list, nullable, object } from '../protocol/decode';
import type { CellId, Command } from '../protocol/types';
import { decodeCommand } from '../protocol/commands';
import type { Keep } from './keep';

interface Held {
  readonly command: Command;
  /** The cells whose edits must be under way first; null: all. */
  readonly after: readonly CellId[] | null;
}

/**
 * Commands that wait until what was typed before them is on its way: a run must run the code that is shown. They keep their order
 * and survive a reload.
 */
export class HeldCommands {
  readonly #keep: Keep;
  readonly #key: string;
  readonly #flushed: (id: CellId | null) => boolean;
  #list: Held[] = [];

  constructor(keep: Keep, key: string, flushed: (id: CellId | null) => boolean) {
    this.#keep = keep;
    this.#key = key;
    this.#flushed = flushed;
  }

  get any(): boolean {
    return this.#list.length > 0;
  }

  add(command: Command, after: readonly CellId[] | null): void {
    this.#list.push({ command, after });
    this.#save();
  }

  /** Sends what need not wait any more, in order. */
  release(notebook: string, send: (command: Command) => void): void {
    const before = this.#list.length;
    for (;;) {
      const first = this.#list[0];
      if (!first || !(first.after === null ? this.#flushed(null) : first.after.every((id) => this.#flushed(id)))) break;
      this.#list.shift();
      send({ ...first.command, notebook });
    }
    if (this.#list.length !== before) this.#save();
  }

  /** Takes up what a page before the reload held. */
  recover(): readonly Command[] {
    try {
      const raw: unknown = JSON.parse(this.#keep.get(this.#key) ?? '[]');
      const entries = list(object({ command: (v) => v, after: nullable(list(cellId)), id: commandId }))(raw, 'held');
      const held = entries.map((e) => ({ command: decodeCommand(e.command), after: e.after }));
      this.#list = [...held, ...this.#list];
      return held.map((h) => h.command);
    } catch {
      return [];
    }
  }

  #save(): void {
    const entries = this.#list.map((h) => ({ command: h.command, after: h.after, id: h.command.cmd_id }));
    this.#keep.set(this.#key, entries.length === 0 ? null : JSON.stringify(entries));
  }
}
