import { describe, expect, test } from 'vitest';
import { clientId } from '../protocol/decode';
import { FakeClock, FakeNetwork, settled } from './fakes';
import { Hub, UNREAD_MAX, type FromHub, type Member, type ToHub } from './hub';
import { RemoteWire, type HubPort } from './remote';
import { Uplink } from './uplink';
import { addressOf } from './wire';

async function setUp() {
  const clock = new FakeClock();
  const net = new FakeNetwork();
  const hub = new Hub(new Uplink({ clock, clientId: clientId('hub', ''), openSocket: net.open, check: async () => 'unreachable' }));
  const join = () => {
    const got: FromHub[] = [];
    const member: Member = { post: (m) => void got.push(m) };
    hub.receive(member, { kind: 'join' });
    const send = (data: object, route: Extract<ToHub, { kind: 'send' }>['route']) => hub.receive(member, { kind: 'send', data: JSON.stringify(data), route });
    return { member, got, send, messages: () => got.flatMap((m) => (m.kind === 'message' ? [JSON.parse(m.data)] : [])) };
  };
  const one = join();
  const two = join();
  await settled();
  net.last.welcome();
  return { clock, net, hub, one, two, join };
}

describe('Hub', () => {
  test('many pages, one socket; each gets its own', async () => {
    const { net, one, two } = await setUp();
    expect(net.sockets).toHaveLength(1);
    one.send({ type: 'subscribe', sub: 'one.1', notebook: 'a' }, { sub: 'one.1' });
    two.send({ type: 'subscribe', sub: 'two.1', notebook: 'a' }, { sub: 'two.1' });
    two.send({ type: 'save', cmd_id: 'c2', notebook: 'a' }, { id: 'c2' });
    net.last.say({ type: 'events', sub: 'one.1', notebook: 'a' });
    net.last.say({ type: 'ack', cmd_id: 'c2', notebook: 'a' });
    net.last.say({ type: 'ping', time: 1 });
    expect(one.messages().map((m) => m.type)).toEqual(['events', 'ping']);
    expect(two.messages().map((m) => m.type)).toEqual(['ack', 'ping']);
  });

  test('a page that is gone has its subscriptions ended', async () => {
    const { net, hub, one } = await setUp();
    one.send({ type: 'subscribe', sub: 'one.1', notebook: 'a' }, { sub: 'one.1' });
    hub.leave(one.member);
    expect(net.last.ofType('unsubscribe')).toEqual([{ type: 'unsubscribe', sub: 'one.1' }]);
    expect(hub.members).toBe(1);
    net.last.say({ type: 'events', sub: 'one.1', notebook: 'a' });
    expect(one.messages()).toEqual([]);
  });

  test('a page that does not read is cut off from a flood and told, the others go on', async () => {
    const { net, hub, one, two } = await setUp();
    for (const p of [one, two]) p.send({ type: 'subscribe', sub: p === one ? 'one.1' : 'two.1', notebook: 'a' }, { sub: p === one ? 'one.1' : 'two.1' });
    const big = 'x'.repeat(1024 * 1024);
    for (let i = 0; i < 40; i++) {
      net.last.say({ type: 'events', sub: 'one.1', big });
      net.last.say({ type: 'events', sub: 'two.1', big });
      hub.receive(two.member, { kind: 'read', units: big.length + 60 });
    }
    expect(one.messages().length).toBeLessThanOrEqual(UNREAD_MAX / big.length + 1);
    expect(one.got.at(-1)).toEqual({ kind: 'stalled' });
    expect(net.last.ofType('unsubscribe')).toEqual([{ type: 'unsubscribe', sub: 'one.1' }]);
    expect(two.messages()).toHaveLength(40);
    hub.receive(one.member, { kind: 'read', units: UNREAD_MAX });
    one.send({ type: 'subscribe', sub: 'one.2', notebook: 'a' }, { sub: 'one.2' });
    net.last.say({ type: 'events', sub: 'one.2' });
    expect(one.messages().at(-1)).toMatchObject({ sub: 'one.2' });
  });

  test('a lost line is told to all, and a late joiner learns how things stand', async () => {
    const { net, one, two, join, clock } = await setUp();
    net.last.drop();
    expect(one.got.at(-1)).toMatchObject({ kind: 'status', status: { kind: 'waiting' } });
    await clock.pass(2_000);
    net.last.welcome();
    expect(two.got.at(-1)).toMatchObject({ kind: 'status', status: { kind: 'up' } });
    expect(join().got).toMatchObject([{ kind: 'status', status: { kind: 'up' } }]);
    expect(net.sockets).toHaveLength(2);
  });
});

describe('RemoteWire', () => {
  async function remote() {
    const s = await setUp();
    let answers = true;
    let deaths = 0;
    let another = false;
    let toPage: (m: FromHub) => void = () => {};
    const member: Member = { post: (m) => answers && toPage(m) };
    const port: HubPort = { post: (m) => answers && s.hub.receive(member, m), onMessage: (fn) => void (toPage = fn), close: () => {} };
    const wire = new RemoteWire(port, s.clock, Promise.resolve(null), () => {
      deaths++;
      return another;
    });
    return { ...s, wire, stop: () => (answers = false), start: () => (answers = true), another: () => (another = true), deaths: () => deaths };
  }
  test('is up with the hub, and sends through it', async () => {
    const { wire, net } = await remote();
    expect(wire.status.kind).toBe('up');
    wire.send('{"type":"ping"}', null);
    expect(net.last.ofType('ping')).toHaveLength(1);
  });
  test('a hub that stops answering is dead within 10 s, once', async () => {
    const { wire, clock, stop, deaths } = await remote();
    await clock.pass(20_000);
    expect(deaths()).toBe(0);
    stop();
    await clock.pass(10_100);
    expect(deaths()).toBe(1);
    expect(() => wire.send('{}', null)).toThrow('not connected');
    await clock.pass(60_000);
    expect(deaths()).toBe(1);
  });
  test('a silent hub in whose place another comes is not the end', async () => {
    const { wire, clock, net, stop, start, another, deaths } = await remote();
    another();
    stop();
    await clock.pass(10_100);
    expect(deaths()).toBe(1);
    start();
    wire.rejoin();
    await clock.pass(10_100);
    expect(deaths()).toBe(1);
    wire.send('{"type":"request"}', null);
    expect(net.last.ofType('request')).toHaveLength(1);
  });
  test('a page that slept asks again before it judges', async () => {
    const { clock, deaths } = await remote();
    clock.jump(3_600_000);
    await clock.pass(20_000);
    expect(deaths()).toBe(0);
  });
});

test.each([
  ['{"type":"events","sub":"p.1","notebook":"x"}', { type: 'events', sub: 'p.1' }],
  ['{"type":"ack","cmd_id":"c"}', { type: 'ack', id: 'c' }],
  ['{"type":"response","req_id":"r"}', { type: 'response', id: 'r' }],
  ['{"type":"ping","time":1}', { type: 'ping' }],
  ['{ "sub": "p.1", "type": "events" }', { type: 'events', sub: 'p.1' }],
  ['{"type":"gone","sub":"a\\"b"}', { type: 'gone', sub: 'a"b' }],
])('addressOf %s', (data, want) => {
  expect(addressOf(data)).toEqual(want);
});
