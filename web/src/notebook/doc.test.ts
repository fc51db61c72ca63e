import { ChangeSet } from '@codemirror/state';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { commandId } from '../protocol/decode';
import type { ChangesJson, CommandId } from '../protocol/types';
import { applySet, diff } from './changes';
import { CellDoc, type DocOutlet, type Draft } from './doc';

type Edited = { version: number; changes: ChangesJson; cmd: CommandId };
type Edit = { cmd: CommandId; version: number; changes: ChangesJson };

/** A server of one cell: gives edits an order, rebases late ones, applies each id once. */
class Authority {
  text = 'one\ntwo\n';
  log: ChangeSet[] = [];
  events: Edited[] = [];
  done = new Map<CommandId, number>();
  /** Edits older than this version are refused as stale. */
  oldest = 0;

  edit(e: Edit): 'accepted' | 'duplicate' | 'rejected' {
    if (this.done.has(e.cmd)) return 'duplicate';
    if (e.version < this.oldest || e.version > this.log.length) return 'rejected';
    let changes = ChangeSet.fromJSON(e.changes);
    for (const earlier of this.log.slice(e.version)) changes = changes.map(earlier);
    this.text = applySet(this.text, changes);
    this.log.push(changes);
    this.done.set(e.cmd, this.log.length);
    this.events.push({ version: this.log.length, changes: changes.toJSON(), cmd: e.cmd });
    return 'accepted';
  }
}

let ids = 0;

/** One page with one editor, on a line that can be cut. */
class Typist {
  readonly server: Authority;
  doc: CellDoc;
  view: string;
  at: number;
  up = true;
  outbox = new Map<CommandId, Edit & { left: boolean }>();
  acks: { cmd: CommandId; status: 'accepted' | 'duplicate' | 'rejected'; n: number }[] = [];
  kept: string[] = [];
  draft: Draft | null = null;
  stop: () => void;

  constructor(server: Authority) {
    this.server = server;
    this.at = server.events.length;
    this.doc = new CellDoc(server.text, server.log.length, this.outlet());
    this.view = this.doc.text;
    this.stop = this.follow();
  }
  outlet(): DocOutlet {
    return {
      send: (version, changes) => {
        const cmd = commandId(`c${++ids}`, '');
        this.outbox.set(cmd, { cmd, version, changes, left: false });
        return cmd;
      },
      amend: (cmd, version, changes) => {
        const e = this.outbox.get(cmd);
        if (!e || e.left) return false;
        this.outbox.set(cmd, { cmd, version, changes, left: false });
        return true;
      },
      again: (cmd, version, changes) => void (this.outbox.has(cmd) || this.outbox.set(cmd, { cmd, version, changes, left: true })),
      keep: (text) => void this.kept.push(text),
      changed: (sent) => {
        if (sent) this.draft = this.doc?.draft() ?? null;
      },
    };
  }
  follow(): () => void {
    return this.doc.onRemote((c) => {
      expect(c.length).toBe(this.view.length);
      this.view = applySet(this.view, c);
    });
  }
  type(place: number, remove: number, insert: string): void {
    const from = place % (this.view.length + 1);
    const to = Math.min(this.view.length, from + remove);
    if (from === to && insert === '') return;
    const changes = ChangeSet.of({ from, to, insert }, this.view.length, '\n');
    this.view = applySet(this.view, changes);
    this.doc.edit(changes);
  }
  /** The next command reaches the server; its ack may get lost. */
  push(lose: boolean): void {
    if (!this.up) return;
    for (const e of this.outbox.values()) {
      e.left = true;
      const status = this.server.edit(e);
      if (!lose) {
        this.outbox.delete(e.cmd);
        this.acks.push({ cmd: e.cmd, status, n: this.server.events.length });
      }
      return;
    }
  }
  /** The next event reaches the page. */
  pull(): void {
    const e = this.server.events[this.at];
    if (!this.up || !e) return this.settle();
    this.at++;
    this.doc.edited(e.version, e.changes, e.cmd);
    this.settle();
  }
  settle(): void {
    const ripe = this.acks.filter((a) => a.status === 'rejected' || a.n <= this.at);
    this.acks = this.acks.filter((a) => !ripe.includes(a));
    for (const a of ripe) this.doc.acked(a.cmd, a.status, 'stale');
  }
  cut(): void {
    this.up = false;
  }
  resume(): void {
    this.up = true;
  }
  snapshot(): void {
    this.up = true;
    this.at = this.server.events.length;
    this.doc.reset(this.server.text, this.server.log.length);
    this.settle();
  }
  reload(): void {
    this.draft = this.doc.draft();
    const draft = this.draft;
    this.stop();
    this.up = true;
    this.acks = [];
    this.at = this.server.events.length;
    for (const e of this.outbox.values()) e.left = true;
    this.doc = new CellDoc(this.server.text, this.server.log.length, this.outlet());
    this.view = this.doc.text;
    this.stop = this.follow();
    if (draft) this.doc.restore(draft);
  }
  drain(): void {
    for (let i = 0; i < 1000 && (this.outbox.size > 0 || this.doc.unconfirmed || this.at < this.server.events.length); i++) {
      this.push(false);
      this.pull();
    }
  }
}

const steps = fc.array(
  fc.tuple(fc.nat(1), fc.constantFrom('type', 'type', 'type', 'push', 'push', 'lose', 'pull', 'pull', 'cut', 'resume', 'snapshot', 'reload', 'forget'), fc.nat(60), fc.nat(4), fc.constantFrom('', 'a', 'xy', '\n', 'é😀', 'line\nline\n')),
  { maxLength: 60 },
);

describe('CellDoc', () => {
  test('two typists converge over cuts, snapshots and reloads, and the view is always the document', () => {
    fc.assert(fc.property(steps, (list) => {
      const server = new Authority();
      const both = [new Typist(server), new Typist(server)];
      for (const [who, what, place, remove, insert] of list) {
        const t = both[who];
        if (!t) continue;
        if (what === 'type') t.type(place, remove, insert);
        else if (what === 'push') t.push(false);
        else if (what === 'lose') t.push(true);
        else if (what === 'forget') server.oldest = server.log.length;
        else t[what]();
        expect(t.view).toBe(t.doc.text);
      }
      for (const t of both) t.up ||= true;
      for (let i = 0; i < 5; i++) for (const t of both) t.drain();
      for (const t of both) {
        expect(t.doc.unconfirmed).toBe(false);
        expect(t.doc.text).toBe(server.text);
        expect(t.view).toBe(server.text);
      }
    }), { numRuns: 3_000 });
  });

  test('alone, everything typed arrives exactly once, over lost acks, snapshots and reloads', () => {
    const alone = fc.array(fc.tuple(fc.constantFrom('type', 'type', 'push', 'lose', 'pull', 'cut', 'resume', 'snapshot', 'reload'), fc.nat(60)), { maxLength: 60 });
    fc.assert(fc.property(alone, (list) => {
      const server = new Authority();
      const t = new Typist(server);
      let typed = 0;
      for (const [what, place] of list) {
        if (what === 'type') t.type(place, 0, `<${++typed}>`);
        else if (what === 'push') t.push(false);
        else if (what === 'lose') t.push(true);
        else t[what]();
      }
      t.up = true;
      t.drain();
      expect(t.kept).toEqual([]);
      expect(server.text).toBe(t.view);
      // Each mark is there once, though a later one may stand in the midst of it.
      const counts = server.text.split('').filter((c) => c === '<').length;
      expect(counts).toBe(typed);
    }), { numRuns: 2_000 });
  });

  test('typing while an edit is in flight is one more edit, not many', () => {
    const server = new Authority();
    const t = new Typist(server);
    t.type(0, 0, 'a');
    for (const e of t.outbox.values()) e.left = true;
    for (const c of 'bcdef') t.type(1, 0, c);
    expect(t.outbox.size).toBe(1);
    t.push(false);
    t.pull();
    expect(t.outbox.size).toBe(1);
    t.drain();
    expect(server.log.length).toBe(2);
  });

  test('typing while nothing can leave stays one edit', () => {
    const t = new Typist(new Authority());
    t.cut();
    for (const c of 'abcdef') t.type(0, 0, c);
    expect(t.outbox.size).toBe(1);
    expect(t.doc.flushed).toBe(true);
  });

  test('a stale edit at the place of another change is kept as text, and the cell shows the server\'s', () => {
    const server = new Authority();
    const t = new Typist(server);
    t.type(0, 3, 'mine');
    t.cut();
    server.edit({ cmd: commandId('other', ''), version: 0, changes: diff(server.text, 'theirs\ntwo\n').toJSON() });
    server.oldest = 1;
    t.snapshot();
    t.push(false);
    t.settle();
    expect(t.kept).toEqual(['mine\ntwo\n']);
    expect(t.view).toBe('theirs\ntwo\n');
    expect(t.doc.unconfirmed).toBe(false);
  });

  test('replace changes as little as it can and tells the editor', () => {
    const t = new Typist(new Authority());
    t.doc.replace('one\nTWO\n');
    expect(t.view).toBe('one\nTWO\n');
    expect([...t.outbox.values()][0]?.changes).toEqual([4, [3, 'TWO'], 1]);
  });
});

test('diff makes the one text of the other, never between the halves of a pair', () => {
  const piece = fc.constantFrom('a\n', 'b\n', 'c', '😀', '😁', '\n', 'longer line\n');
  const text = fc.array(piece, { maxLength: 14 }).map((p) => p.join(''));
  fc.assert(fc.property(text, text, (a, b) => {
    const changes = diff(a, b);
    expect(applySet(a, changes)).toBe(b);
    changes.iterChangedRanges((from, to) => {
      for (const i of [from, to]) expect(i > 0 && /[\uDC00-\uDFFF]/.test(a[i] ?? '') && /[\uD800-\uDBFF]/.test(a[i - 1] ?? '')).toBe(false);
    });
  }), { numRuns: 2_000 });
});
