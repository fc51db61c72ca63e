import { expect, it } from 'vitest';
import type { Kernel, Widget, Widgets } from '../protocol/types';
import { difference, fromBase64, isLive, reachable, resolved, toBase64 } from './widgetModels';

const widget = (state: Widget['state'], more: Partial<Widget> = {}): Widget => ({ kernel: 'k1', state, buffers: [], closed: false, ...more });
const kernel = (state: Kernel['state'], id = 'k1'): Kernel => ({ id, name: '', display_name: '', language: '', state });
const models = (all: Record<string, Widget>): Widgets => all;

it('finds what a widget is made of, however deep, and nothing else', () => {
  const all = models({
    box: widget({ children: ['IPY_MODEL_a', 'IPY_MODEL_out'] }), a: widget({ box: { again: 'IPY_MODEL_box' }, drawn: 'anywidget:l' }), l: widget({}),
    out: widget({ outputs: [{ data: { 'application/vnd.jupyter.widget-view+json': { model_id: 'deep' } } }] }), deep: widget({ value: 'IPY_MODEL_nobody' }), other: widget({}),
  });
  expect([...reachable(all, 'box').keys()].sort()).toEqual(['a', 'box', 'deep', 'l', 'out']);
  expect(reachable(all, 'nobody').size).toBe(0);
  const link = (to: string) => widget({ _model_name: 'LinkModel', source: ['IPY_MODEL_a', 'value'], target: [`IPY_MODEL_${to}`, 'value'] });
  const linked = models({ ...all, inside: link('l'), outside: link('other') });
  expect([...reachable(linked, 'box').keys()].filter((id) => id.endsWith('side'))).toEqual(['inside']);
});

it('sends what changed, once', () => {
  const list = [1, 2];
  const kept = { path: ['b'], data: 'AAEC' };
  const before = widget({ value: 1, list, same: 'x' }, { buffers: [kept] });
  const after = widget({ value: 2, list, same: 'x' }, { buffers: [kept, { path: ['c'], data: 'AA==' }] });
  expect(difference(before, before)).toBeNull();
  expect(difference(before, widget({ value: 1, list, same: 'x' }, { buffers: [kept] }))).toBeNull();
  expect(difference(before, after)).toEqual({ state: { value: 2 }, buffers: [{ path: ['c'], data: 'AA==' }] });
  expect(difference(undefined, after)?.state).toEqual(after.state);
});

it('gives buffers as bytes', async () => {
  const change = await resolved({ state: { value: 1 }, buffers: [{ path: ['b', 0], data: 'AAEC' }] }, true);
  expect(change).toMatchObject({ state: { value: 1 }, live: true });
  expect([...new Uint8Array(change.buffers[0]?.data ?? new ArrayBuffer(0))]).toEqual([0, 1, 2]);
  expect(toBase64(fromBase64('/+8='))).toBe('/+8=');
});

it('lives as long as the kernel that made it', () => {
  expect(isLive(widget({}), kernel('busy'))).toBe(true);
  for (const k of [kernel('dead'), kernel('none'), kernel('restarting'), kernel('idle', 'k2')]) expect(isLive(widget({}), k)).toBe(false);
  expect(isLive(widget({}, { kernel: undefined }), { ...kernel('idle'), id: '' })).toBe(false);
});
