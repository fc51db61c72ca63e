import { expect, it } from 'vitest';
import { copied, isAddress, OutOfReach, partsOf, reasonOf } from './afm';

const none = () => undefined;

it('finds the parts of a module in each form that it may have', async () => {
  expect(await partsOf({ default: { render: none } })).toEqual({ render: none });
  expect(await partsOf({ default: { initialize: none, render: none, more: 1 } })).toEqual({ initialize: none, render: none });
  expect(await partsOf({ default: () => ({ render: none }) })).toEqual({ render: none });
  expect(await partsOf({ default: async () => ({ initialize: none }) })).toEqual({ initialize: none });
  expect(await partsOf({ render: none })).toEqual({ render: none });
  for (const wrong of [{}, { default: undefined }, { default: { render: 'x' } }, { default: () => null }, null]) await expect(partsOf(wrong)).rejects.toThrow('no default export');
});

it('knows an address from code', () => {
  expect(['https://esm.sh/x', 'http://localhost:5173/x.js?y'].map(isAddress)).toEqual([true, true]);
  expect(['', 'export default 1', 'import "https://esm.sh/x"', 'https://a.test\nexport', 'file:///x.js'].map(isAddress)).toEqual([false, false, false, false, false]);
});

it('says which address was wanted, and takes no other failure for that', () => {
  const there = 'https://esm.sh/d3@7';
  const fetched = new TypeError(`Failed to fetch dynamically imported module: ${there}`);
  expect(reasonOf(fetched, '', [there, 'https://other.test/'])).toEqual(new OutOfReach(there));
  expect(reasonOf(new TypeError('Failed to fetch'), 'fetch("https://esm.sh/" + name)', [there, 'https://other.test/', there]).message).toBe(`This widget loads ${there}, and Runnel’s frames reach no network.`);
  expect(reasonOf(new TypeError('Failed to fetch'), `fetch("${there}")`, ['https://esm.sh/else', there])).toEqual(new OutOfReach(there));
  const own = new TypeError('x is null');
  expect(reasonOf(own, 'x.y', [there])).toBe(own);
  const other = new SyntaxError('no');
  expect(reasonOf(other, there, [there])).toBe(other);
  expect(reasonOf('text', '', [])).toEqual(new Error('text'));
});

it('sends JSON, and of bytes what the view shows', () => {
  const all = new Uint8Array([1, 2, 3, 4]);
  const sent = copied({ view: all.subarray(1, 3), data: new DataView(all.buffer, 2), list: [all.buffer, 1, null], date: new Date(0), fn: none, model: { toJSON: () => 'IPY_MODEL_x' }, undefined });
  expect(sent).toEqual({
    view: new Uint8Array([2, 3]).buffer, data: new Uint8Array([3, 4]).buffer, list: [new Uint8Array([1, 2, 3, 4]).buffer, 1, null], date: '1970-01-01T00:00:00.000Z', fn: undefined, model: 'IPY_MODEL_x', undefined,
  });
  expect(copied(all.buffer)).not.toBe(all.buffer);
  expect(() => copied({ n: 1n })).toThrow('BigInt');
});
