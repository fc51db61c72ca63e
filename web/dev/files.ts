import type { Entry, FilesApi } from '../src/views/files/api';

/** A folder that forgets everything at a reload. */
export function scriptedFiles(): FilesApi {
  const file = (path: string, size = 0, running: Entry['running'] = 'no'): Entry => ({
    name: path.slice(path.lastIndexOf('/') + 1),
    path,
    kind: path.endsWith('/') ? 'folder' : path.endsWith('.ipynb') ? 'notebook' : 'file',
    size,
    modified: Date.now() - size * 7 - 60_000,
    readOnly: false,
    running,
  });
  const folder = (path: string): Entry => ({ ...file(path), name: path.slice(path.lastIndexOf('/') + 1), kind: 'folder' });
  let all = [folder('analysis'), folder('models'), folder('reports'), file('pyproject.toml', 900), file('analysis/churn.ipynb', 41_000, 'running'), file('analysis/cohorts.ipynb', 22_000), file('analysis/events.parquet', 48e6)];
  const trash: Entry[] = [];
  const parent = (path: string) => (path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : '');
  return {
    list: async (path) => all.filter((e) => parent(e.path) === path),
    read: async () => ({ text: '{\n  "cells": [\n    x\n  ]\n}\n', size: 28 }),
    onChange: () => () => undefined,
    create: async (path) => void all.push(file(path)),
    mkdir: async (path) => void all.push(folder(path)),
    rename: async (path, to) => void (all = all.map((e) => (e.path === path ? { ...e, path: to, name: to.slice(to.lastIndexOf('/') + 1) } : e))),
    remove: async (path) => {
      trash.push(...all.filter((e) => e.path === path));
      all = all.filter((e) => e.path !== path);
      return path;
    },
    restore: async (path) => void all.push(...trash.filter((e) => e.path === path)),
    upload: async (path, blob) => void all.push(file(path, blob.size)),
    kernels: async () => [
      { name: 'venv', displayName: 'Python 3.12', language: 'python', environment: '.venv', hasKernel: true, fix: '' },
      { name: 'deno', displayName: 'Deno', language: 'typescript', environment: 'installed', hasKernel: true, fix: '' },
      { name: 'py311', displayName: 'Python 3.11', language: 'python', environment: '/usr', hasKernel: false, fix: 'uv pip install ipykernel' },
    ],
  };
}
