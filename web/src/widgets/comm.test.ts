import { expect, it } from 'vitest';
import { FrameComm, type Sender } from './comm';

const bytes = (...all: number[]) => new Uint8Array(all).buffer;

/** A comm whose page has named these attributes; what it sent, and how often it was told to go on. */
function comm(live = true) {
  const sent: Parameters<Sender>[0][] = [];
  let idle = 0;
  const made = new FrameComm('m', (message, done) => (sent.push(message), done()), { state: { value: 1 }, buffers: [{ path: ['data'], data: bytes(1) }], live });
  const send = (state: object, buffer_paths: unknown[] = [], buffers: ArrayBuffer[] = []) =>
    made.send({ method: 'update', state, buffer_paths }, { iopub: { status: () => void idle++ } }, {}, buffers);
  return { made, sent, send, idle: () => idle };
}

it('sends what the model has, and keeps to itself what only the view knows', async () => {
  const { made, sent, send, idle } = comm();
  send({ value: 2, own: 3 }, [['data'], ['own2', 0]], [bytes(4), bytes(5)]);
  expect(sent).toEqual([{ id: 'm', state: { value: 2 }, buffers: [{ path: ['data'], data: bytes(4) }] }]);
  send({ own: 4 });
  await Promise.resolve();
  expect([sent.length, idle()]).toEqual([1, 2]);
  made.update({ state: { own: 0 }, buffers: [], live: true });
  send({ own: 5 });
  expect(sent[1]).toEqual({ id: 'm', state: { own: 5 }, buffers: [] });
});

it('sends nothing when the kernel is gone', async () => {
  const { sent, send, idle } = comm(false);
  send({ value: 2 });
  await Promise.resolve();
  expect([sent.length, idle()]).toEqual([0, 1]);
});
