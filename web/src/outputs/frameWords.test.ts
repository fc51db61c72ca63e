import { describe, expect, it } from 'vitest';
import { readFrameMessage } from './frameWords';

describe('readFrameMessage', () => {
  it('takes what a frame may say', () => {
    expect(readFrameMessage({ runnel: 'frame', kind: 'height', height: 80 })).toEqual({ kind: 'height', height: 80 });
    expect(readFrameMessage({ runnel: 'frame', kind: 'ready' })).toEqual({ kind: 'ready' });
    expect(readFrameMessage({ runnel: 'frame', kind: 'open', href: 'https://a.b' })).toEqual({ kind: 'open', href: 'https://a.b' });
  });
  it('refuses everything else', () => {
    for (const bad of [null, 1, 'x', {}, { kind: 'ready' }, { runnel: 'frame', kind: 'height', height: NaN }, { runnel: 'frame', kind: 'height', height: -1 }, { runnel: 'frame', kind: 'height', height: '9' }, { runnel: 'frame', kind: 'open', href: 'javascript:x' }, { runnel: 'frame', kind: 'other' }]) {
      expect(readFrameMessage(bad)).toBeNull();
    }
  });
  it('takes a change of a widget, and of it only JSON', () => {
    const data = new ArrayBuffer(3);
    expect(readFrameMessage({ runnel: 'frame', kind: 'model', id: 'm', token: 1, state: { value: 3, f: undefined }, buffers: [{ path: ['a', 0], data }] })).toEqual({
      kind: 'model', id: 'm', token: 1, state: { value: 3 }, buffers: [{ path: ['a', 0], data }],
    });
    expect(readFrameMessage({ runnel: 'frame', kind: 'model', id: 'm', token: 2, content: { event: 'click' }, buffers: [] })).toMatchObject({ content: { event: 'click' } });
    for (const much of [{ state: { value: 'x'.repeat(2 << 20) } }, { content: 1, buffers: [{ path: [], data: new ArrayBuffer(2 << 20) }] }]) {
      expect(readFrameMessage({ runnel: 'frame', kind: 'model', id: 'm', token: 3, buffers: [], ...much })).toEqual({ kind: 'too_large', id: 'm', token: 3 });
    }
    const round: Record<string, unknown> = {};
    round['self'] = round;
    for (const bad of [{}, { id: '', state: {} }, { id: 'm' }, { id: 'm', state: [] }, { id: 'm', state: {}, content: 1 }, { id: 'm', state: round }, { id: 'm', state: {}, buffers: [{ path: 'a', data }] }, { id: 'm', state: {}, buffers: [{ path: [], data: 'text' }] }]) {
      expect(readFrameMessage({ runnel: 'frame', kind: 'model', token: 1, buffers: [], ...bad })).toBeNull();
    }
  });
  it('hears that a widget could not be drawn', () => {
    expect(readFrameMessage({ runnel: 'frame', kind: 'undrawn', undrawn: true })).toEqual({ kind: 'undrawn', undrawn: true });
    expect(readFrameMessage({ runnel: 'frame', kind: 'undrawn', undrawn: 'yes' })).toBeNull();
  });
  it('bounds the height', () => expect(readFrameMessage({ runnel: 'frame', kind: 'height', height: 9e6 })).toEqual({ kind: 'height', height: 20_000 }));
});
