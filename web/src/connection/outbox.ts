import { list } from '../protocol/decode';
import { decodeCommand } from '../protocol/commands';
import type { Ack, Command, CommandId } from '../protocol/types';
import type { Keep } from '../notebook/keep';
import { retryDelay } from './backoff';
import type { Clock } from './wire';

interface Entry {
  command: Command;
  readonly secret: boolean;
  /** On which line it was sent last; null: it never left the page. */
  line: number | null;
  tries: number;
}

const KEY = 'outbox';

/**
 * The commands that the server has not acknowledged (P26): sent in their order, sent again with the same id on each new line, and
 * kept over a reload of the page. Secret ones (an answer to a password prompt) are kept in memory only.
 */
export class Outbox {
  readonly #keep: Keep;
  readonly #clock: Clock;
  /** Sends on the present line; throws when there is none. */
  readonly #send: (command: Command) => void;
  readonly #entries = new Map<CommandId, Entry>();
  #line: number | null = null;
  #recovered = false;

  constructor(keep: Keep, clock: Clock, send: (command: Command) => void) {
    this.#keep = keep;
    this.#clock = clock;
    this.#send = send;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Reads what a page before the reload left; those come first. */
  recover(): readonly Command[] {
    this.#recovered = true;
    let old: readonly Command[] = [];
    try {
      const raw: unknown = JSON.parse(this.#keep.get(KEY) ?? '[]');
      old = list(decodeCommand)(raw, KEY);
    } catch {
      this.#keep.set(KEY, null);
    }
    const now = [...this.#entries.values()];
    this.#entries.clear();
    for (const command of old) this.#entries.set(command.cmd_id, { command, secret: false, line: -1, tries: 0 });
    for (const entry of now) this.#entries.set(entry.command.cmd_id, entry);
    if (now.length > 0) this.#save();
    this.#pump();
    return old;
  }

  add(command: Command, secret: boolean): void {
    if (this.#entries.has(command.cmd_id)) return;
    const entry: Entry = { command, secret, line: null, tries: 0 };
    this.#entries.set(command.cmd_id, entry);
    this.#save();
    this.#pump();
  }

  /** Puts another command under the same id, while the first never left the page. */
  amend(command: Command): boolean {
    const entry = this.#entries.get(command.cmd_id);
    if (!entry || entry.line !== null) return false;
    entry.command = command;
    this.#save();
    return true;
  }

  /** A new line is up, or none is. */
  lineIs(line: number | null): void {
    this.#line = line;
    this.#pump();
  }

  /** Takes an ack; false when it is not the command's end (it is to be sent again later). */
  acked(ack: Ack): boolean {
    const entry = this.#entries.get(ack.cmd_id);
    if (!entry) return true;
    if (ack.status === 'rejected' && ack.code === 'unavailable') {
      this.#clock.after(retryDelay(++entry.tries, this.#clock.random()), () => {
        if (entry.line !== null) entry.line = -1;
        this.#pump();
      });
      return false;
    }
    this.#entries.delete(ack.cmd_id);
    this.#save();
    return true;
  }

  #pump(): void {
    if (this.#line === null) return;
    for (const entry of this.#entries.values()) {
      if (entry.line === this.#line) continue;
      try {
        this.#send(entry.command);
      } catch {
        return;
      }
      entry.line = this.#line;
    }
  }

  #save(): void {
    if (!this.#recovered) return;
    const plain = [...this.#entries.values()].filter((e) => !e.secret).map((e) => e.command);
    this.#keep.set(KEY, plain.length === 0 ? null : JSON.stringify(plain));
  }
}
