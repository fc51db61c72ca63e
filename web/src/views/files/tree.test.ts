import { describe, expect, it } from 'vitest';
import { readRoute, routeUrl } from '../route';
import { readEntry } from './api';
import { freeName } from './tree';

describe('files', () => {
  it('finds a free name', () => {
    const entry = (name: string) => ({ name, path: name, kind: 'notebook' as const, size: 0, modified: 0, running: 'no' as const });
    expect(freeName([entry('Untitled.ipynb'), entry('Untitled 2.ipynb')], 'a', 'Untitled.ipynb')).toBe('a/Untitled 3.ipynb');
  });
  it('reads entries and refuses what is none', () => {
    expect(readEntry({ name: 'a.ipynb', kind: 'notebook', size: 3 }, 'x')).toMatchObject({ path: 'x/a.ipynb', kind: 'notebook', running: 'no' });
    expect(readEntry({ name: 'b', kind: 'dir' }, '')).toMatchObject({ kind: 'folder' });
    expect(readEntry({ name: 'c.ipynb', kernel: { state: 'busy' } }, '')).toMatchObject({ running: 'busy' });
    expect(readEntry({ size: 1 }, '')).toBeNull();
  });
  it('addresses go there and back', () => {
    for (const route of [{ kind: 'notebook', path: 'a b/c&d.ipynb' }, { kind: 'file', path: 'x#y.txt' }, { kind: 'home', folder: 'a/b' }, { kind: 'home', folder: '' }] as const) {
      expect(readRoute(routeUrl(route).slice(1))).toEqual(route);
    }
  });
});
