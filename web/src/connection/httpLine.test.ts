import { expect, test } from 'vitest';
import { settled } from './fakes';
import { httpLine, ServerSentEvents } from './httpLine';

const tick = () => new Promise((resolve) => setTimeout(resolve, 0));

/** A server of one line: what it is asked, and a stream to write to. */
function server() {
  const asked: { method: string; url: string; body: string }[] = [];
  let out: ReadableStreamDefaultController<Uint8Array> | undefined;
  const status = { post: 204, open: 200 };
  const fetch = async (url: string, init: RequestInit): Promise<Response> => {
    const method = init.method ?? 'GET';
    asked.push({ method, url, body: typeof init.body === 'string' ? init.body : '' });
    if (method === 'GET') return new Response(new ReadableStream<Uint8Array>({ start: (c) => void (out = c) }));
    if (method === 'POST' && url === '/line') return new Response('{"id":"x/y"}', { status: status.open });
    return new Response(null, { status: status.post });
  };
  const write = (text: string) => out?.enqueue(new TextEncoder().encode(text));
  return { asked, fetch, write, status, end: () => out?.close() };
}

function connect(s: ReturnType<typeof server>) {
  const got: unknown[] = [];
  const socket = httpLine(s.fetch, '/line')({ open: () => got.push('open'), message: (m) => got.push(m), close: (code, reason) => got.push([code, reason]) });
  return { got, socket };
}

test('opens, carries messages both ways in order, and ends with the server\'s code (P33, P34)', async () => {
  const s = server();
  const { got, socket } = connect(s);
  await tick();
  expect(got).toEqual(['open']);
  socket.send('1');
  socket.send('2');
  await tick();
  expect(s.asked.map((a) => [a.method, a.url, a.body])).toEqual([['POST', '/line', ''], ['GET', '/line/x%2Fy', ''], ['POST', '/line/x%2Fy', '1'], ['POST', '/line/x%2Fy', '2']]);
  s.write(': the line is open\n\ndata: {"a":1}\n\nda');
  s.write('ta: {"b":2}\n\nevent: close\ndata: {"code":4000,"reason":"restarting"}\n\n');
  await tick();
  expect(got).toEqual(['open', '{"a":1}', '{"b":2}', [4000, 'restarting']]);
  socket.close();
  await settled();
  expect(got).toHaveLength(4);
});

test.each([[403, 4002], [500, 1006]])('a refusal with %i closes with %i', async (status, code) => {
  const s = server();
  s.status.open = status;
  const { got } = connect(s);
  await tick();
  expect(got).toMatchObject([[code, expect.any(String)]]);
});

test('a stream that ends, and a message that is refused, close the line once', async () => {
  const s = server();
  const { got } = connect(s);
  await tick();
  s.end();
  await tick();
  expect(got).toEqual(['open', [1006, 'the line ended']]);
  const t = server();
  const second = connect(t);
  await tick();
  t.status.post = 404;
  second.socket.send('1');
  await tick();
  expect(second.got).toHaveLength(2);
});

test('ServerSentEvents: cut anywhere', () => {
  const whole = 'event: a\ndata: 1\ndata: 2\n\r\n: note\ndata:x\n\n';
  for (let cut = 0; cut <= whole.length; cut++) {
    const got: string[][] = [];
    const parser = new ServerSentEvents((event, data) => got.push([event, data]));
    parser.push(whole.slice(0, cut));
    parser.push(whole.slice(cut));
    expect(got).toEqual([['a', '1\n2'], ['', 'x']]);
  }
});
