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
  it('bounds the height', () => expect(readFrameMessage({ runnel: 'frame', kind: 'height', height: 9e6 })).toEqual({ kind: 'height', height: 20_000 }));
});
