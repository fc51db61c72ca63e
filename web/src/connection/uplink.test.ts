import { describe, expect, test } from 'vitest';
import { clientId } from '../protocol/decode';
import { retryDelay } from './backoff';
import { FakeClock, FakeNetwork, settled } from './fakes';
import { Uplink } from './uplink';
import type { WireStatus } from './wire';

function setUp(check: 'ok' | 'login' | 'unreachable' = 'unreachable') {
  const clock = new FakeClock();
  const net = new FakeNetwork();
  const http = new FakeNetwork();
  const state = { check };
  const link = new Uplink({ clock, clientId: clientId('me', ''), openSocket: net.open, openFallback: http.open, check: async () => state.check });
  const seen: WireStatus['kind'][] = [];
  link.onStatus((s) => seen.push(s.kind));
  return { clock, net, http, link, seen, state };
}
const live = async () => {
  const s = setUp();
  s.link.connect();
  await settled();
  s.net.last.welcome();
  return s;
};

test('retryDelay: 1 s doubling to 30 s with jitter, then every 30 s without end', () => {
  expect([1, 2, 3, 4, 5, 6, 7, 10].map((n) => retryDelay(n, 0.999))).toEqual([1000, 1999, 3998, 7996, 15992, 29985, 29985, 29985]);
  expect(retryDelay(1, 0)).toBe(500);
  expect(retryDelay(6, 0)).toBe(15_000);
  expect(retryDelay(11, 0)).toBe(27_000);
  expect(retryDelay(100_000, 0.5)).toBe(30_000);
});

test('retryDelay: 1,000 pages that lost their server at one moment never make more than 900 tries in a second', () => {
  let seed = 1;
  const random = () => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647;
  for (const away of [1_000, 3_000, 10_000, 60_000]) {
    const arrivals = Array.from({ length: 1_000 }, () => {
      let at = 0;
      for (let tries = 1; at < away; tries++) at += retryDelay(tries, random());
      return at;
    });
    const most = Math.max(...arrivals.map((begin) => arrivals.filter((at) => at >= begin && at < begin + 1_000).length));
    expect(most, `away for ${away} ms`).toBeLessThanOrEqual(900);
    expect(Math.max(...arrivals) - away).toBeLessThanOrEqual(30_000);
  }
});

describe('Uplink', () => {
  test('says hello, ignores everything before the welcome (P20), then passes on', async () => {
    const { net, link } = setUp();
    const got: string[] = [];
    link.onMessage((m) => got.push(m));
    expect(() => link.send('{}')).toThrow('not connected');
    link.connect();
    await settled();
    expect(() => link.send('{}')).toThrow('not connected');
    net.last.events.open();
    expect(net.last.frames).toEqual([{ type: 'hello', protocol: 1, client_id: 'me', subscriptions: [] }]);
    net.last.say({ type: 'ack', cmd_id: 'x', status: 'accepted' });
    expect(got).toEqual([]);
    net.last.welcome();
    expect(link.status).toMatchObject({ kind: 'up', fallback: null });
    net.last.say({ type: 'ack', cmd_id: 'x', status: 'accepted' });
    expect(got).toHaveLength(1);
    link.connect();
    expect(net.sockets).toHaveLength(1);
  });

  test('comes back after a drop, counts tries, and never gives up', async () => {
    const { clock, net, link } = await live();
    net.last.drop();
    expect(link.status).toMatchObject({ kind: 'waiting', tries: 1, lastHeard: clock.now() });
    net.answer = (s) => s.drop();
    await clock.pass(10 * 60_000);
    expect(net.sockets.length).toBeGreaterThan(20);
    expect(net.sockets.length).toBeLessThan(40);
    net.answer = (s) => s.welcome();
    await clock.pass(40_000);
    expect(link.status.kind).toBe('up');
  });

  test('no storm: an accepting server that drops at once is tried ever more slowly, and a burst of wakes opens one socket', async () => {
    const { clock, net, link } = setUp();
    net.answer = (s) => {
      s.welcome();
      s.drop();
    };
    link.connect();
    await clock.pass(60_000);
    expect(net.sockets.length).toBeLessThan(10);
    const before = net.sockets.length;
    net.answer = () => {};
    await clock.pass(60_000);
    const quiet = net.sockets.length;
    for (let i = 0; i < 50; i++) link.wake();
    await settled();
    expect(net.sockets.length - quiet).toBeLessThanOrEqual(1);
    expect(quiet).toBeGreaterThan(before);
  });

  test('tries at once on wake (online, visible) and on a press of Reconnect', async () => {
    const { clock, net, link } = await live();
    net.answer = (s) => s.drop();
    net.last.drop();
    await clock.pass(120_000);
    const tries = net.sockets.length;
    net.answer = (s) => s.welcome();
    await clock.pass(1_100);
    if (net.sockets.length === tries) link.wake();
    await settled();
    expect(link.status.kind).toBe('up');
  });

  test('a half-open line ends after 25 s of silence', async () => {
    const { clock, net, link } = await live();
    await clock.pass(24_000);
    expect(link.status.kind).toBe('up');
    await clock.pass(5_000);
    expect(net.sockets[0]?.closed).toMatchObject({ code: 4005 });
    expect(net.sockets.length).toBe(2);
  });

  test('pings every 10 s and stays up while the server is heard', async () => {
    const { clock, net, link } = await live();
    for (let i = 0; i < 12; i++) {
      await clock.pass(10_000);
      net.last.say({ type: 'ping', time: 1, tops: {} });
    }
    expect(link.status.kind).toBe('up');
    expect(net.last.ofType('ping').length).toBeGreaterThanOrEqual(10);
    expect(net.last.ofType('ping').length).toBeLessThanOrEqual(14);
  });

  test('a wake probes: a line that does not answer within 3 s is replaced at once', async () => {
    const { clock, net, link } = await live();
    link.wake();
    expect(net.last.ofType('ping')).toHaveLength(1);
    await clock.pass(3_100);
    expect(net.sockets).toHaveLength(2);
    net.last.welcome();
    link.wake();
    net.last.say({ type: 'ping', time: 1, tops: {} });
    await clock.pass(5_000);
    expect(net.sockets).toHaveLength(2);
  });

  test.each([
    [4000, 'waiting', true], [4001, 'waiting', true], [4005, 'waiting', true], [1006, 'waiting', true],
    [4002, 'login', false], [4003, 'reload', false], [4004, 'refused', false],
  ] as const)('close code %i leads to %s (P33)', async (code, kind, comesBack) => {
    const { clock, net, link } = await live();
    net.last.drop(code, 'because');
    expect(link.status.kind).toBe(kind);
    if (kind === 'refused') expect(link.status).toMatchObject({ reason: 'because' });
    await clock.pass(60_000);
    expect(net.sockets.length > 1).toBe(comesBack);
    if (code === 4002) {
      link.wake();
      await settled();
      expect(net.sockets.length).toBe(2);
    }
  });

  test('a login that expired is found when the socket does not open, without a loop', async () => {
    const { clock, net, link, state } = await live();
    state.check = 'login';
    net.answer = (s) => s.drop();
    net.last.drop();
    await clock.pass(60_000);
    expect(link.status.kind).toBe('login');
    expect(net.sockets).toHaveLength(2);
  });

  test('the Upgrade header stripped: over plain HTTP within 5 s, and back when a WebSocket gets through (P34)', async () => {
    const { clock, net, http, link } = setUp('ok');
    net.answer = (s) => s.drop();
    http.answer = (s) => s.welcome();
    const got: string[] = [];
    link.onMessage((m) => got.push(m));
    link.connect();
    await clock.pass(5_000);
    expect(link.status).toMatchObject({ kind: 'up' });
    expect(link.status.kind === 'up' && link.status.fallback).toContain('Upgrade');
    http.last.say({ type: 'ping', time: 1, tops: {} });
    expect(got).toHaveLength(1);
    for (let i = 0; i < 5; i++) {
      await clock.pass(15_000);
      http.last.say({ type: 'ping', time: 1, tops: {} });
    }
    expect(link.status).toMatchObject({ kind: 'up' });
    net.answer = (s) => s.welcome();
    for (let i = 0; i < 5; i++) {
      await clock.pass(15_000);
      http.last.say({ type: 'ping', time: 1, tops: {} });
    }
    expect(link.status).toMatchObject({ kind: 'up', fallback: null });
    expect(http.last.closed).not.toBeNull();
  });

  test('a handshake that hangs while the server answers HTTP counts as blocked', async () => {
    const { clock, http, link } = setUp('ok');
    http.answer = (s) => s.welcome();
    link.connect();
    await clock.pass(5_000);
    expect(link.status.kind === 'up' && link.status.fallback).toContain('plain HTTP');
  });

  test('a server that restarts is not taken for a blocked one', async () => {
    const { clock, net, http, link, state } = await live();
    net.answer = (s) => s.drop();
    net.last.drop(4000);
    await clock.pass(3_000);
    state.check = 'ok';
    net.answer = (s) => s.welcome();
    await clock.pass(5_000);
    expect(link.status).toMatchObject({ kind: 'up', fallback: null });
    expect(http.sockets).toHaveLength(0);
  });

  test('close ends everything', async () => {
    const { clock, net, link } = await live();
    link.close();
    await clock.pass(60_000);
    link.wake();
    expect(net.sockets).toHaveLength(1);
    expect(net.last.closed).toMatchObject({ code: 1000 });
  });
});
