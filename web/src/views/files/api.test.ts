import { afterEach, expect, it, vi } from 'vitest';
import { createFilesApi } from './api';

afterEach(() => vi.unstubAllGlobals());

it('gives the same list while the folder is the same, folders first and numbers in order', async () => {
  let names = ['b10.ipynb', 'b9.ipynb'];
  vi.stubGlobal('fetch', async () => new Response(JSON.stringify({ entries: [...names.map((name) => ({ name, kind: 'notebook' })), { name: 'z', kind: 'dir' }] })));
  const files = createFilesApi();
  const first = await files.list('');
  expect(first.map((e) => e.name)).toEqual(['z', 'b9.ipynb', 'b10.ipynb']);
  expect(await files.list('')).toBe(first);
  names = ['b9.ipynb'];
  expect((await files.list('')).map((e) => e.name)).toEqual(['z', 'b9.ipynb']);
});
