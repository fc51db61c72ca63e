import { ChangeSet, Text } from '@codemirror/state';
import type { ChangesJson, CommandId, Json } from '../protocol/types';
import { commandId, json, nullable, number, object, text } from '../protocol/decode';
import { changesFrom, diff, overlap, toText } from './changes';
import type { CellDocument } from './model';

/** What a document needs of its notebook. */
export interface DocOutlet {
  /** Sends an edit against a version; it is kept until its ack. */
  send(version: number, changes: ChangesJson): CommandId;
  /** Replaces an edit that never left the page; false when it may have left. */
  amend(id: CommandId, version: number, changes: ChangesJson): boolean;
  /** Sends an edit of the page before a reload again, under its own id (the server applies an id once). */
  again(id: CommandId, version: number, changes: ChangesJson): void;
  /** Text of the person that does not go into the cell any more. */
  keep(text: string): void;
  /** Something changed: the text, or what is unconfirmed. `sent`: remember it now, not soon. */
  changed(sent: boolean): void;
}

/** What is remembered of unconfirmed edits over a reload. */
export interface Draft {
  readonly base: string;
  readonly version: number;
  readonly cmd: CommandId | null;
  readonly inFlight: ChangesJson;
  readonly buffer: ChangesJson;
}
const draftShape = object({ base: text, version: number, cmd: nullable(commandId), inFlight: json, buffer: json });
export function decodeDraft(value: unknown): Draft | null {
  try {
    return draftShape(value, 'draft');
  } catch {
    return null;
  }
}

interface InFlight {
  readonly cmd: CommandId;
  readonly changes: ChangeSet;
}

/** After so many refusals in a row the person's text is kept beside the cell instead. */
const MAX_STALE = 3;

/**
 * One cell's source under editing by several people, with the server as the one who orders (P27):
 *
 *     base --inFlight--> . --buffer--> text
 *
 * `base` is the server's text as long as the feed is unbroken; an edit from elsewhere moves base on and inFlight and buffer over it.
 * At most one edit is in flight; what is typed meanwhile is composed into `buffer` and goes when the first came back.
 * After a snapshot the steps between are unknown: then `server` runs ahead of base until the fate of inFlight is known,
 * and the difference of the texts stands for the steps.
 */
export class CellDoc implements CellDocument {
  readonly #outlet: DocOutlet;
  #server: Text;
  #version: number;
  #base: Text;
  #broken = false;
  #inFlight: InFlight | null = null;
  #buffer: ChangeSet | null = null;
  #doc: Text;
  #string: string | null;
  #stale = 0;
  readonly #listeners = new Set<(changes: ChangeSet, own: boolean) => void>();

  constructor(source: string, version: number, outlet: DocOutlet) {
    this.#outlet = outlet;
    this.#server = this.#base = this.#doc = toText(source);
    this.#string = source;
    this.#version = version;
  }

  get text(): string {
    return (this.#string ??= this.#doc.toString());
  }
  get version(): number {
    return this.#version;
  }
  get unconfirmed(): boolean {
    return this.#inFlight !== null || this.#buffer !== null;
  }
  /** Whether everything typed is on its way: a run sent now runs what is shown. */
  get flushed(): boolean {
    return this.#buffer === null;
  }
  get inFlight(): CommandId | null {
    return this.#inFlight?.cmd ?? null;
  }

  onRemote(fn: (changes: ChangeSet, own: boolean) => void): () => void {
    const listener = (changes: ChangeSet, own: boolean) => fn(changes, own);
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  edit(changes: ChangeSet): void {
    if (changes.empty) return;
    if (changes.length !== this.#doc.length) throw new Error(`edit of a text of length ${changes.length}, but it is ${this.#doc.length}`);
    this.#setDoc(changes.apply(this.#doc));
    this.#buffer = this.#buffer ? this.#buffer.compose(changes) : changes;
    this.#pump();
  }

  replace(text: string): void {
    const changes = diff(this.text, text);
    if (changes.empty) return;
    this.edit(changes);
    this.#tell(changes, true);
  }

  /** An `edited` event of the server. One of another version was applied before. */
  edited(version: number, json: ChangesJson, cmd: CommandId | undefined): void {
    if (version !== this.#version + 1) return;
    const changes = changesFrom(json, this.#server.length);
    if (!changes) return;
    this.#version = version;
    this.#server = changes.apply(this.#server);
    const own = this.#inFlight !== null && cmd === this.#inFlight.cmd;
    if (own) return this.#landed();
    if (this.#broken) return;
    this.#base = this.#server;
    this.#over(changes);
  }

  /** The fate of an edit, by its ack: for one whose event was part of a snapshot, or that was refused. */
  acked(cmd: CommandId, status: 'accepted' | 'duplicate' | 'rejected', code?: string): void {
    if (this.#inFlight?.cmd !== cmd) return;
    if (status !== 'rejected') return this.#landed();
    const rest = this.#unsent();
    const mergeable = code === 'stale' || this.#broken;
    this.#inFlight = this.#buffer = null;
    if (!mergeable || ++this.#stale > MAX_STALE) return this.#giveUp();
    this.#merge(this.#base, rest);
  }

  /** The server's text and version as a snapshot has them. */
  reset(source: string, version: number): void {
    this.#server = toText(source);
    this.#version = version;
    if (this.#inFlight) {
      this.#broken = true;
      return;
    }
    this.#merge(this.#base, this.#buffer);
  }

  /** Takes up the edits of the page before a reload. */
  restore(draft: Draft): void {
    if (this.unconfirmed) return;
    this.#base = toText(draft.base);
    const inFlight = draft.cmd === null ? null : changesFrom(draft.inFlight, this.#base.length);
    const middle = inFlight ? inFlight.apply(this.#base) : this.#base;
    const buffer = draft.buffer === null ? null : changesFrom(draft.buffer, middle.length);
    const before = this.text;
    this.#setDoc(buffer ? buffer.apply(middle) : middle);
    this.#buffer = buffer;
    this.#tell(diff(before, this.text));
    if (!inFlight || draft.cmd === null) return this.#merge(this.#base, buffer);
    this.#broken = true;
    this.#inFlight = { cmd: draft.cmd, changes: inFlight };
    this.#outlet.again(draft.cmd, draft.version, draft.inFlight);
    this.#outlet.changed(true);
  }

  /** What restore() needs; null when everything is confirmed. */
  draft(): Draft | null {
    if (!this.unconfirmed) return null;
    return {
      base: this.#base.toString(), version: this.#version, cmd: this.#inFlight?.cmd ?? null,
      inFlight: this.#inFlight ? wire(this.#inFlight.changes) : null, buffer: this.#buffer ? wire(this.#buffer) : null,
    };
  }

  /** Sends what waits, when nothing is in flight; or puts it into an edit that has not left yet. */
  #pump(): void {
    let sent = false;
    if (this.#buffer && !this.#broken) {
      const whole = this.#unsent();
      if (!this.#inFlight) {
        this.#inFlight = { cmd: this.#outlet.send(this.#version, wire(whole)), changes: whole };
        this.#buffer = null;
        sent = true;
      } else if (this.#outlet.amend(this.#inFlight.cmd, this.#version, wire(whole))) {
        this.#inFlight = { cmd: this.#inFlight.cmd, changes: whole };
        this.#buffer = null;
        sent = true;
      }
    }
    this.#outlet.changed(sent);
  }

  #unsent(): ChangeSet {
    const parts = [this.#inFlight?.changes, this.#buffer].filter((c) => c !== undefined && c !== null);
    return parts.reduce((a, b) => a.compose(b), ChangeSet.empty(this.#base.length));
  }

  /** An edit of others, against base: own ones go behind it, as the server puts them. */
  #over(changes: ChangeSet): void {
    let others = changes;
    if (this.#inFlight) {
      const own = this.#inFlight.changes;
      this.#inFlight = { cmd: this.#inFlight.cmd, changes: own.map(others) };
      others = others.map(own, true);
    }
    if (this.#buffer) {
      const own = this.#buffer;
      this.#buffer = own.map(others);
      others = others.map(own, true);
    }
    this.#setDoc(others.apply(this.#doc));
    this.#tell(others);
    this.#outlet.changed(true);
  }

  /** inFlight is part of the server's text. */
  #landed(): void {
    const middle = this.#inFlight ? this.#inFlight.changes.apply(this.#base) : this.#base;
    this.#inFlight = null;
    this.#stale = 0;
    this.#merge(middle, this.#buffer);
  }

  /** Goes on from the server's text, given what was thought to be it and the own edits on top. */
  #merge(thought: Text, own: ChangeSet | null): void {
    const steps = thought.eq(this.#server) ? null : diff(thought.toString(), this.#server.toString());
    this.#broken = false;
    this.#base = this.#server;
    this.#buffer = own;
    if (steps && own && overlap(steps, own)) return this.#giveUp();
    if (steps) this.#over(steps);
    if (this.#buffer?.empty) this.#buffer = null;
    this.#pump();
  }

  /** Shows the server's text and hands the person's to be kept. */
  #giveUp(): void {
    const mine = this.text;
    this.#base = this.#server;
    this.#inFlight = this.#buffer = null;
    this.#broken = false;
    this.#stale = 0;
    const changes = diff(mine, this.#server.toString());
    this.#setDoc(this.#server);
    if (!changes.empty) {
      this.#outlet.keep(mine);
      this.#tell(changes);
    }
    this.#outlet.changed(true);
  }

  #setDoc(doc: Text): void {
    this.#doc = doc;
    this.#string = null;
  }

  #tell(changes: ChangeSet, own = false): void {
    if (changes.empty) return;
    for (const fn of [...this.#listeners]) fn(changes, own);
  }
}

function wire(changes: ChangeSet): Json {
  return json(changes.toJSON(), 'changes');
}
