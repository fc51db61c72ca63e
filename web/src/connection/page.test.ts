import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { ChangeSet } from '@codemirror/state';
import { cellId, clientId, requestId } from '../protocol/decode';
import type { Line } from './model';
import { countingIds, FakeClock, FakeNetwork, MemoryKeep, settled, type FakeSocket } from './fakes';
import { Page, type Carrier } from './page';
import { Uplink } from './uplink';

const snapshot = JSON.parse(readFileSync(join(import.meta.dirname, '../../../testdata/protocol/frames/snapshot.json'), 'utf8'));
const a = cellId('a', '');
const b = cellId('b', '');

function setUp(options: { keep?: MemoryKeep; first?: string; recovered?: Promise<void>; carriers?: (carriers: Carrier) => Carrier[] } = {}) {
  const clock = new FakeClock();
  const net = new FakeNetwork();
  const keep = options.keep ?? new MemoryKeep();
  const woken: (() => void)[] = [];
  const hidden: ((ends: boolean) => void)[] = [];
  const frames: (() => void)[] = [];
  const idle: ((spare: () => boolean) => void)[] = [];
  const own: Carrier = { name: 'own', open: () => new Uplink({ clock, clientId: clientId('me', ''), openSocket: net.open, check: async () => 'unreachable' }) };
  const page = new Page({
    clock, keep, ids: countingIds(), pageId: 'p', carriers: options.carriers?.(own) ?? [own], recovered: options.recovered ?? Promise.resolve(),
    soon: (fn) => void frames.push(fn), idle: (fn) => void idle.push(fn), first: async () => options.first ?? '{}', onWake: (fn) => (woken.push(fn), () => {}), onHide: (fn) => (hidden.push(fn), () => {}),
  });
  const draw = () => {
    for (const fn of frames.splice(0)) fn();
  };
  /** The browser has time, for as long as `spare` says. */
  const rest = (spare: () => boolean = () => true) => {
    for (const fn of idle.splice(0)) fn(spare);
  };
  return { clock, net, keep, page, woken, hidden, draw, rest };
}
type SetUp = ReturnType<typeof setUp>;

const subOf = (socket: FakeSocket): string => String(socket.ofType('subscribe').at(-1)?.['sub']);
const events = (socket: FakeSocket, from: number, n: number, list: object[]) =>
  socket.say({ type: 'events', sub: subOf(socket), notebook: 'note.ipynb', epoch: 'e1', from, n, events: list });
const give = (socket: FakeSocket, n = 41) => socket.say({ ...snapshot, sub: subOf(socket), state: { ...snapshot.state, n } });
const put = (at: number, text: string) => ({ type: 'text_put', cell_id: 'a', output_id: 'o1', at, text });
const ack = (socket: FakeSocket, command: Record<string, unknown> | undefined, n: number, more: object = {}) =>
  socket.say({ type: 'ack', cmd_id: command?.['cmd_id'], notebook: 'note.ipynb', status: 'accepted', n, ...more });

describe('Page', () => {
  let s: SetUp;
  let store: ReturnType<Page['open']>;
  const lines: Line['kind'][] = [];
  beforeEach(async () => {
    s = setUp();
    lines.length = 0;
    s.page.line.subscribe(() => lines.push(s.page.line.get().kind));
    store = s.page.open('note.ipynb');
    s.page.connect();
    await settled();
    s.net.last.welcome();
    give(s.net.last);
  });

  test('subscribes after the welcome and shows the snapshot', () => {
    expect(s.net.last.ofType('subscribe')).toEqual([{ type: 'subscribe', sub: 'p.1.1', notebook: 'note.ipynb' }]);
    expect(store.ready.get()).toEqual({ kind: 'ready' });
    expect(store.cellIds.get()).toEqual(['a', 'b', 'c']);
    expect(s.page.line.get()).toEqual({ kind: 'live' });
    expect(store.running.get()).toEqual(['b']);
  });

  test('stream text reaches its feed once per frame, joined, and no other channel', () => {
    const cell = store.cell(a);
    const seen: unknown[] = [];
    let structure = 0;
    cell?.outputs.subscribe(() => structure++);
    const [output] = cell?.outputs.get() ?? [];
    if (!cell || !output) throw new Error('no output');
    const feed = cell.text(output.id);
    feed.subscribe((change) => seen.push(change));
    events(s.net.last, 42, 42, [put(6, 'four\n')]);
    events(s.net.last, 43, 44, [put(11, '10%'), put(11, '20%')]);
    expect(seen).toEqual([]);
    s.draw();
    expect(seen).toEqual([{ at: 6, skipped: 0, text: 'four\n20%' }]);
    expect(feed.get().head).toBe('1\n2\n3\nfour\n20%');
    expect(structure).toBe(0);
  });

  test('a cell that is brought back shows what it printed while it was deleted', () => {
    const { state } = snapshot;
    const text = state.cells[0].outputs[0].text;
    const back = { ...state.cells[0], outputs: [{ ...state.cells[0].outputs[0], text: { head: `${text.head}four\n`, tail: '', tail_at: text.total + 5, total: text.total + 5 } }] };
    const feed = store.cell(a)?.text(back.outputs[0].id);
    let shown = feed?.get().head ?? '';
    feed?.subscribe((change) => (shown = 'reset' in change ? feed.get().head : shown.slice(0, change.at) + change.text));
    events(s.net.last, 42, 42, [{ type: 'cell_removed', cell_id: 'a', at: 1 }]);
    s.draw();
    events(s.net.last, 43, 43, [put(text.total, 'four\n')]);
    s.draw();
    events(s.net.last, 44, 44, [{ type: 'cell_added', cell: back, index: 0 }]);
    s.draw();
    expect(shown).toBe(`${text.head}four\n`);
    events(s.net.last, 45, 45, [put(text.total + 5, 'five\n')]);
    s.draw();
    expect(shown).toBe(`${text.head}four\nfive\n`);
  });

  test('resumes by number after a cut, under a new name', async () => {
    events(s.net.last, 42, 50, [put(6, 'x')]);
    const first = s.net.last;
    first.drop();
    expect(s.page.line.get()).toMatchObject({ kind: 'reconnecting', tries: 1 });
    expect(() => s.page.send({ type: 'ping', time: 1 })).toThrow('not connected');
    await s.clock.pass(1_000);
    s.net.last.welcome();
    expect(s.net.last.ofType('subscribe')).toEqual([{ type: 'subscribe', sub: 'p.1.2', notebook: 'note.ipynb', epoch: 'e1', n: 50 }]);
    expect(s.page.line.get().kind).toBe('catching-up');
    s.net.last.say({ type: 'resume', sub: 'p.1.2', notebook: 'note.ipynb', epoch: 'e1', from: 51 });
    expect(s.page.line.get().kind).toBe('live');
    events(s.net.last, 51, 51, [put(7, 'y')]);
    s.draw();
    expect(store.state.n).toBe(51);
    expect(lines).toEqual(['live', 'reconnecting', 'reconnecting', 'catching-up', 'live']);
  });

  test('a gap is noticed and asked for again; what still comes for the old name is ignored', async () => {
    await s.clock.pass(2_000);
    const old = subOf(s.net.last);
    events(s.net.last, 43, 43, [put(6, 'lost before')]);
    expect(s.net.last.frames.slice(-2)).toEqual([
      { type: 'unsubscribe', sub: old },
      { type: 'subscribe', sub: 'p.1.2', notebook: 'note.ipynb', epoch: 'e1', n: 41 },
    ]);
    s.net.last.say({ type: 'events', sub: old, notebook: 'note.ipynb', epoch: 'e1', from: 44, n: 44, events: [put(6, 'stray')] });
    give(s.net.last, 44);
    s.draw();
    expect(store.state.n).toBe(44);
  });

  test('duplicates change nothing', () => {
    events(s.net.last, 42, 42, [put(6, 'x')]);
    events(s.net.last, 42, 42, [put(6, 'x')]);
    s.draw();
    expect(s.net.last.ofType('subscribe')).toHaveLength(1);
    expect(store.state.n).toBe(42);
  });

  test('a top ahead for two pings means something got lost (P29)', async () => {
    await s.clock.pass(2_000);
    s.net.last.say({ type: 'ping', time: 1, tops: { 'p.1.1': 45 } });
    expect(s.net.last.ofType('subscribe')).toHaveLength(1);
    s.net.last.say({ type: 'ping', time: 2, tops: { 'p.1.1': 46 } });
    expect(s.net.last.ofType('subscribe')).toHaveLength(2);
  });

  test('an unreadable message leads to asking again, ever more slowly, not in a loop', async () => {
    const complaint = vi.spyOn(console, 'error').mockImplementation(() => {});
    for (let i = 0; i < 200; i++) {
      s.net.last.say({ type: 'events', sub: subOf(s.net.last), notebook: 'n', epoch: 7 });
      await s.clock.pass(100);
    }
    expect(s.net.last.ofType('subscribe').length).toBeLessThan(8);
    expect(complaint).toHaveBeenCalled();
    complaint.mockRestore();
  });

  test('a command is kept until its ack and sent again with its id on each new line (P26)', async () => {
    store.execute(a);
    const [sent] = s.net.last.ofType('execute');
    expect(sent).toMatchObject({ cell_id: 'a', notebook: 'note.ipynb' });
    expect(store.cell(a)?.run.get()).toMatchObject({ state: 'sending' });
    s.net.last.drop();
    store.execute(cellId('c', ''));
    await s.clock.pass(1_000);
    s.net.last.welcome();
    const again = s.net.last.ofType('execute');
    expect(again.map((c) => c['cell_id'])).toEqual(['a', 'c']);
    expect(again[0]?.['cmd_id']).toBe(sent?.['cmd_id']);
    ack(s.net.last, again[0], 41, { status: 'duplicate' });
    ack(s.net.last, again[1], 41);
    s.net.last.drop();
    await s.clock.pass(10_000);
    s.net.last.welcome();
    expect(s.net.last.ofType('execute')).toEqual([]);
    s.draw();
    expect(store.pending.get()).toEqual([]);
  });

  test('the mark of a run stays until the state has reached the ack', () => {
    store.execute(a);
    const [sent] = s.net.last.ofType('execute');
    ack(s.net.last, sent, 42);
    s.draw();
    expect(store.cell(a)?.run.get()).toMatchObject({ state: 'sending' });
    events(s.net.last, 42, 42, [{ type: 'run_queued', cell_id: 'a', place: 0, run: { id: sent?.['cmd_id'], state: 'queued', queued_at: 1 } }]);
    s.draw();
    expect(store.cell(a)?.run.get()).toMatchObject({ state: 'queued' });
    expect(store.pending.get()).toEqual([]);
  });

  test('a rejected command stays visible with its reason until dismissed', () => {
    store.move(a, 2);
    expect(store.cellIds.get()).toEqual(['b', 'c', 'a']);
    const [sent] = s.net.last.ofType('cell_move');
    ack(s.net.last, sent, 41, { status: 'rejected', code: 'forbidden', error: 'no' });
    s.draw();
    expect(store.cellIds.get()).toEqual(['a', 'b', 'c']);
    const [left] = store.pending.get();
    expect(left?.rejected).toEqual({ code: 'forbidden', error: 'no' });
    if (left) store.dismiss(left.cmd_id);
    expect(store.pending.get()).toEqual([]);
  });

  test('unavailable: the same command again, later', async () => {
    store.save();
    ack(s.net.last, s.net.last.ofType('save')[0], 41, { status: 'rejected', code: 'unavailable' });
    await s.clock.pass(1_500);
    const sent = s.net.last.ofType('save');
    expect(sent).toHaveLength(2);
    expect(sent[0]?.['cmd_id']).toBe(sent[1]?.['cmd_id']);
  });

  test('what a server that stops does not run is not sent to the next one', async () => {
    store.execute(a);
    ack(s.net.last, s.net.last.ofType('execute')[0], 41, { status: 'rejected', code: 'stopping', error: 'the server stops' });
    s.draw();
    s.net.last.drop();
    await s.clock.pass(1_000);
    s.net.last.welcome();
    give(s.net.last);
    await s.clock.pass(60_000);
    expect(s.net.last.ofType('execute')).toEqual([]);
    expect(store.pending.get().map((p) => p.rejected)).toEqual([{ code: 'stopping', error: 'the server stops' }]);
    expect([...s.keep.map.values()].join()).not.toContain('execute');
  });

  test('insert, remove and restore are on the screen at once', () => {
    const id = store.insert(1, 'markdown', '# hi');
    expect(store.cellIds.get()).toEqual(['a', id, 'b', 'c']);
    expect(store.cell(id)?.source.get()).toBe('# hi');
    expect(store.cell(id)?.unconfirmed.get()).toBe(true);
    events(s.net.last, 42, 42, [{ type: 'cell_added', index: 1, cell: { id, type: 'markdown', source: '# hi', version: 0, metadata: {}, execution_count: null, outputs: [], run: null } }]);
    ack(s.net.last, s.net.last.ofType('cell_insert')[0], 42);
    s.draw();
    expect(store.cell(id)?.unconfirmed.get()).toBe(false);
    store.remove([id]);
    expect(store.cellIds.get()).toEqual(['a', 'b', 'c']);
    store.restore(id, 0);
    expect(store.cellIds.get()).toEqual([id, 'a', 'b', 'c']);
  });

  test('a run waits for what was typed before it, over a lost line too', async () => {
    const doc = store.cell(a)?.doc;
    const type = (text: string) => doc?.edit(ChangeSet.of({ from: 0, insert: text }, doc.text.length));
    type('1');
    type('2');
    store.execute(a);
    expect(s.net.last.ofType('edit')).toHaveLength(1);
    expect(s.net.last.ofType('execute')).toHaveLength(0);
    expect(store.cell(a)?.run.get()).toMatchObject({ state: 'sending' });
    const [edit] = s.net.last.ofType('edit');
    events(s.net.last, 42, 42, [{ type: 'edited', cell_id: 'a', version: 5, changes: edit?.['changes'], cmd_id: edit?.['cmd_id'] }]);
    s.draw();
    expect(s.net.last.frames.slice(-2).map((f) => f['type'])).toEqual(['edit', 'execute']);
  });

  test('what is typed and what waits survives a reload; passwords do not', async () => {
    const doc = store.cell(a)?.doc;
    const type = (text: string) => doc?.edit(ChangeSet.of({ from: 0, insert: text }, doc.text.length));
    type('x');
    type('y');
    store.execute(a);
    events(s.net.last, 42, 42, [{ type: 'prompt_opened', prompt: { request_id: 'secret', cell_id: 'b', prompt: 'Password:', password: true, opened_at: 1 } }]);
    s.draw();
    store.answer(requestId('secret', ''), 'hunter2');
    store.setPromptDraft(requestId('secret', ''), 'hunter3');
    store.setPromptDraft(requestId('q1', ''), 'half an ans');
    for (const fn of s.hidden) fn(true);
    expect(JSON.stringify([...s.keep.map])).not.toContain('hunter');

    const next = setUp({ keep: s.keep });
    const again = next.page.open('note.ipynb');
    next.page.connect();
    await settled();
    next.net.last.welcome();
    const [edit] = next.net.last.ofType('edit');
    expect(edit?.['cmd_id']).toBe(s.net.last.ofType('edit')[0]?.['cmd_id']);
    give(next.net.last, 42);
    expect(again.cell(a)?.doc.text).toBe('yxprint(1)\nx=');
    expect(again.promptDraft(requestId('q1', ''))).toBe('half an ans');
    events(next.net.last, 43, 43, [{ type: 'edited', cell_id: 'a', version: 5, changes: edit?.['changes'], cmd_id: edit?.['cmd_id'] }]);
    next.draw();
    ack(next.net.last, edit, 43);
    next.draw();
    expect(next.net.last.ofType('edit')).toHaveLength(2);
    expect(next.net.last.ofType('execute')).toHaveLength(1);
    expect(next.net.last.frames.at(-1)?.['type']).toBe('execute');
  });

  test('the notebook is shown before what is kept can be read; nothing is sent before that', async () => {
    const doc = store.cell(a)?.doc;
    doc?.edit(ChangeSet.of({ from: 0, insert: 'x' }, doc.text.length));
    for (const fn of s.hidden) fn(true);
    let readable = () => {};
    const next = setUp({ keep: s.keep, recovered: new Promise((resolve) => (readable = resolve)) });
    const again = next.page.open('note.ipynb');
    next.page.connect();
    await settled();
    next.net.last.welcome();
    give(next.net.last, 41);
    again.execute(b);
    expect(again.ready.get()).toEqual({ kind: 'ready' });
    expect(next.net.last.frames.map((f) => f['type'])).toEqual(['hello', 'subscribe']);
    expect(again.recovered.get()).toBe(false);

    readable();
    await settled();
    expect(again.recovered.get()).toBe(true);
    expect(next.net.last.frames.slice(2).map((f) => f['type'])).toEqual(['edit', 'execute']);
    expect(again.cell(a)?.doc.text).toBe('xprint(1)\nx=');
  });

  test('a carrier that dies is replaced by the next, and the feeds go on there', async () => {
    let kill = () => {};
    const dying = setUp({
      carriers: (own) => [
        { name: 'leader', open: () => null },
        { name: 'worker', open: (dead) => ((kill = dead), own.open(() => {})) },
        own,
      ],
    });
    dying.page.open('note.ipynb');
    dying.page.connect();
    await settled();
    dying.net.last.welcome();
    give(dying.net.last);
    expect(dying.page.carrier.get()).toBe('worker');
    kill();
    await settled();
    dying.net.last.welcome();
    expect(dying.page.carrier.get()).toBe('own');
    expect(dying.net.last.ofType('subscribe')).toMatchObject([{ epoch: 'e1', n: 41 }]);
  });

  test('a snapshot in parts is shown as it grows, and replaces at once when there was one before', async () => {
    const fresh = setUp();
    const open = fresh.page.open('note.ipynb');
    fresh.page.connect();
    await settled();
    fresh.net.last.welcome();
    const sub = subOf(fresh.net.last);
    const [one, two, three] = snapshot.state.cells;
    fresh.net.last.say({ ...snapshot, sub, cells: 3, more: true, state: { ...snapshot.state, cells: [one] } });
    expect(open.ready.get()).toEqual({ kind: 'partial', cells: 3 });
    fresh.net.last.say({ type: 'snapshot_part', sub, cells: [{ ...two, source: 'in' }], more: true });
    fresh.net.last.say({ type: 'snapshot_part', sub, cell_id: 'b', text: 'put()', more: true });
    fresh.net.last.say({ type: 'snapshot_part', sub, cell_id: 'b', outputs: three.outputs, more: true });
    fresh.net.last.say({ type: 'snapshot_part', sub, cell_id: 'b', output_id: 'cut', at: 500012, text: 'mn', more: true });
    fresh.rest();
    fresh.draw();
    expect(open.cellIds.get()).toEqual(['a', 'b']);
    expect(open.cell(b)?.outputs.get()).toHaveLength(1);
    expect(open.state.cells[1]?.outputs[0]).toMatchObject({ text: { total: 500_014 } });
    fresh.net.last.say({ type: 'snapshot_part', sub, cell_id: 'b', output_id: 'cut', at: 600_000, text: 'the end', more: true });
    fresh.net.last.say({ type: 'snapshot_part', sub, cells: [], more: false });
    fresh.rest();
    expect(open.ready.get()).toEqual({ kind: 'ready' });
    expect(open.cell(b)?.source.get()).toBe('input()');
    expect(open.cell(b)?.outputs.get()).toHaveLength(1);
    expect(open.state.cells[1]?.outputs[0]).toMatchObject({ text: { head: 'first', tail: 'the end', tail_at: 600_000, total: 600_007 } });
  });

  describe('a preview', () => {
    const [one, two] = snapshot.state.cells;
    const first = JSON.stringify({ ...snapshot, sub: '', cells: 2, more: true, state: { ...snapshot.state, n: 40, cells: [one] } });

    test('is shown until the line brings the notebook, and is no position', async () => {
      const fresh = setUp({ first });
      const open = fresh.page.open('note.ipynb');
      fresh.page.connect();
      await settled();
      expect(open.cellIds.get()).toEqual(['a']);
      expect(open.ready.get()).toEqual({ kind: 'partial', cells: 2 });
      const cell = open.cell(a);
      fresh.net.last.welcome();
      expect(fresh.net.last.ofType('subscribe')).toEqual([{ type: 'subscribe', sub: 'p.1.1', notebook: 'note.ipynb' }]);
      fresh.net.last.say({ ...snapshot, sub: 'p.1.1', cells: 2, more: false, state: { ...snapshot.state, n: 41, cells: [one, two] } });
      expect(open.ready.get()).toEqual({ kind: 'ready' });
      expect(open.cellIds.get()).toEqual(['a', 'b']);
      expect(open.cell(a)).toBe(cell);
    });

    test('that comes late, or is none, changes nothing', async () => {
      for (const text of [first, '{"error":"no"}', 'no JSON']) {
        const fresh = setUp({ first: text });
        const open = fresh.page.open('note.ipynb');
        fresh.page.connect();
        fresh.net.last.welcome();
        give(fresh.net.last);
        await settled();
        expect(open.cellIds.get()).toEqual(['a', 'b', 'c']);
        expect(open.ready.get()).toEqual({ kind: 'ready' });
      }
    });

    test('can be typed in: the text is sent when the notebook is there, against its version', async () => {
      const fresh = setUp({ first });
      const open = fresh.page.open('note.ipynb');
      fresh.page.connect();
      await settled();
      const doc = open.cell(a)?.doc;
      doc?.edit(ChangeSet.of({ from: 0, insert: 'x' }, doc.text.length));
      fresh.net.last.welcome();
      give(fresh.net.last);
      fresh.draw();
      expect(open.cell(a)?.doc.text).toBe('xprint(1)\nx=');
      expect(fresh.net.last.ofType('edit')).toMatchObject([{ cell_id: 'a', version: one.version }]);
    });
  });

  describe('behind the first cells of a notebook', () => {
    const [one, two] = snapshot.state.cells;
    let fresh: SetUp;
    let open: ReturnType<Page['open']>;
    let sub = '';
    beforeEach(async () => {
      fresh = setUp();
      open = fresh.page.open('note.ipynb');
      fresh.page.connect();
      await settled();
      fresh.net.last.welcome();
      sub = subOf(fresh.net.last);
      fresh.net.last.say({ ...snapshot, sub, cells: 3, more: true, state: { ...snapshot.state, n: 41, cells: [one] } });
    });
    const part = (cells: object[], more: boolean) => fresh.net.last.say({ type: 'snapshot_part', sub, cells, more });

    test('nothing is read until the browser has time, and then in order, as long as it has', () => {
      part([two], true);
      part([{ ...two, id: 'c' }], false);
      events(fresh.net.last, 42, 42, [put(6, 'x')]);
      events(fresh.net.last, 43, 43, [put(7, 'y')]);
      expect(open.cellIds.get()).toEqual(['a']);
      fresh.rest(() => false);
      expect(open.cellIds.get()).toEqual(['a', 'b']);
      // Whole: what waits behind it is news, and is not kept waiting.
      fresh.rest(() => false);
      expect(open.cellIds.get()).toEqual(['a', 'b', 'c']);
      fresh.draw();
      expect(open.state.n).toBe(43);
      events(fresh.net.last, 44, 44, [put(8, 'z')]);
      fresh.draw();
      expect(open.state.n).toBe(44);
      expect(fresh.net.last.ofType('subscribe')).toHaveLength(1);
    });

    test('what a line brought that is gone is asked for anew', async () => {
      part([two], true);
      fresh.net.last.drop();
      await fresh.clock.pass(1_000);
      fresh.net.last.welcome();
      fresh.rest();
      expect(open.cellIds.get()).toEqual(['a']);
      expect(fresh.net.last.ofType('subscribe')).toEqual([{ type: 'subscribe', sub: 'p.1.2', notebook: 'note.ipynb' }]);
      give(fresh.net.last);
      expect(open.ready.get()).toEqual({ kind: 'ready' });
    });

    test('more than a page should hold back is read at once', () => {
      const long = { ...two, source: 'x'.repeat(3 * 1024 * 1024) };
      part([long], true);
      part([{ ...long, id: 'c' }], true);
      expect(open.cellIds.get()).toEqual(['a']);
      part([{ ...long, id: 'd' }], true);
      expect(open.cellIds.get()).toEqual(['a', 'b', 'c', 'd']);
    });
  });

  test('complete asks the kernel and is answered or aborted', async () => {
    const abort = new AbortController();
    const answer = store.complete(a, 'pri', 3, abort.signal);
    const [request] = s.net.last.ofType('request');
    s.net.last.say({ type: 'response', req_id: request?.['req_id'], matches: ['print'], start: 0, end: 3 });
    expect(await answer).toMatchObject({ matches: ['print'] });
    const second = store.inspect(a, 'pri', 3, 0, abort.signal);
    abort.abort();
    await expect(second).rejects.toThrow('aborted');
  });

  test('a view that unmounts closes nothing; the subscription ends a minute later', async () => {
    s.page.close(store);
    expect(s.page.open('note.ipynb')).toBe(store);
    s.page.close(store);
    for (let i = 0; i < 7; i++) {
      await s.clock.pass(10_000);
      s.net.last.say({ type: 'ping', time: 1, tops: {} });
    }
    expect(s.net.last.ofType('unsubscribe')).toHaveLength(1);
    expect(s.net.sockets).toHaveLength(1);
  });
});
