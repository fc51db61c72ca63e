import { describe, expect, it } from 'vitest';
import { readRoute, routeOf, routeUrl } from '../route';
import { FilesError, readEntry, type FilesApi } from './api';
import { FolderTree, freeName, renamedPath } from './tree';

describe('files', () => {
  it('finds a free name', () => {
    const entry = (name: string) => ({ name, path: name, kind: 'notebook' as const, size: 0, modified: 0, readOnly: false, running: 'no' as const });
    expect(freeName([entry('Untitled.ipynb'), entry('Untitled 2.ipynb')], 'a', 'Untitled.ipynb')).toBe('a/Untitled 3.ipynb');
  });
  it('gives another name in the same folder; a notebook stays one', () => {
    expect(renamedPath('a/b.csv', 'c.txt')).toBe('a/c.txt');
    expect(renamedPath('b', 'c')).toBe('c');
    for (const name of ['c', 'c.ipynb']) expect(renamedPath('a/b.ipynb', name)).toBe('a/c.ipynb');
    expect(renamedPath('B.IPYNB', 'v1.2')).toBe('v1.2.ipynb');
    expect(renamedPath('b.ipynb', 'C.IPYNB')).toBe('C.IPYNB');
    expect(routeOf('C.IPYNB').kind).toBe('notebook');
    expect(readEntry({ name: 'C.IPYNB' }, '')).toMatchObject({ kind: 'notebook' });
  });
  it('says why a folder cannot be opened, and leaves it closed', async () => {
    const list = async (folder: string) => {
      if (folder === 'shut') throw new FilesError('You may not read shut.', 403);
      return [];
    };
    const tree = new FolderTree({ list } satisfies Pick<FilesApi, 'list'>);
    expect(await tree.toggle('open')).toBe('');
    expect(await tree.toggle('shut')).toBe('You may not read shut.');
    expect([...tree.state.get().expanded]).toEqual(['open']);
  });
  it('reads entries and refuses what is none', () => {
    expect(readEntry({ name: 'a.ipynb', kind: 'notebook', size: 3 }, 'x')).toMatchObject({ path: 'x/a.ipynb', kind: 'notebook', running: 'no' });
    expect(readEntry({ name: 'b', kind: 'dir' }, '')).toMatchObject({ kind: 'folder' });
    expect(readEntry({ name: 'c.ipynb', kernel: { state: 'busy' } }, '')).toMatchObject({ running: 'running' });
    expect(readEntry({ name: 'c.ipynb', kernel: { state: 'starting' } }, '')).toMatchObject({ running: 'starting' });
    expect(readEntry({ name: 'd.ipynb', writable: false }, '')).toMatchObject({ readOnly: true });
    expect(readEntry({ size: 1 }, '')).toBeNull();
  });
  it('addresses go there and back', () => {
    for (const route of [{ kind: 'notebook', path: 'a b/c&d.ipynb' }, { kind: 'file', path: 'x#y.txt' }, { kind: 'home', folder: 'a/b' }, { kind: 'home', folder: '' }] as const) {
      expect(readRoute(routeUrl(route).slice(1))).toEqual(route);
    }
  });
});
