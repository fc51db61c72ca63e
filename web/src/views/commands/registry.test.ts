import { describe, expect, it } from 'vitest';
import type { KeyLike } from '../../ui/keys';
import { forBrowsing, KeyReader, search, type Command } from './registry';

const press = (key: string, mods: Partial<KeyLike> = {}): KeyLike => ({ key, code: '', ctrlKey: false, metaKey: false, altKey: false, shiftKey: false, ...mods });
const command = (id: string, keys: string[], when: Command<null>['when'] = 'command'): Command<null> => ({ id, title: id, group: 'Cell', keys, when, run: () => undefined });
const reader = () => new KeyReader([command('delete', ['D D']), command('interrupt', ['I I']), command('below', ['B']), command('run', ['Shift+Enter'], 'notebook'), command('save', ['Ctrl+S'], 'always')]);
const id = (result: ReturnType<KeyReader<null>['press']>) => (result && result !== 'waiting' ? result.command.id : result);

describe('KeyReader', () => {
  it('finds a key in its place only', () => {
    const r = reader();
    expect(id(r.press(press('b'), 'command', 0))).toBe('below');
    expect(id(r.press(press('b'), 'edit', 1))).toBeNull();
    expect(id(r.press(press('Enter', { shiftKey: true }), 'edit', 2))).toBe('run');
    expect(id(r.press(press('Enter', { shiftKey: true }), 'page', 3))).toBeNull();
    expect(id(r.press(press('s', { ctrlKey: true }), 'page', 4))).toBe('save');
  });
  it('reads a sequence within a second', () => {
    const r = reader();
    expect(id(r.press(press('d'), 'command', 0))).toBe('waiting');
    expect(id(r.press(press('d'), 'command', 500))).toBe('delete');
    expect(id(r.press(press('d'), 'command', 2000))).toBe('waiting');
    expect(id(r.press(press('d'), 'command', 3500))).toBe('waiting');
  });
  it('forgets a sequence that another key breaks, and takes that key', () => {
    const r = reader();
    r.press(press('d'), 'command', 0);
    expect(id(r.press(press('b'), 'command', 100))).toBe('below');
    r.press(press('d'), 'command', 200);
    expect(id(r.press(press('i'), 'command', 300))).toBe('waiting');
    expect(id(r.press(press('i'), 'command', 400))).toBe('interrupt');
  });
});

describe('search', () => {
  it('puts a title that begins so first', () => {
    const all = [command('Clear outputs', []), command('Restart', []), command('Run all and restart', [])];
    expect(search(all, 'rest').map((c) => c.id)).toEqual(['Restart', 'Run all and restart']);
    expect(search(all, 'all run').map((c) => c.id)).toEqual(['Run all and restart']);
  });
});

it('forBrowsing puts what was used lately first, and moving about last', () => {
  const all = [{ ...command('up', []), group: 'Move' }, { ...command('delete', []), group: 'Cell' }, { ...command('run', []), group: 'Run' }];
  expect(forBrowsing(all, []).map((c) => c.id)).toEqual(['run', 'delete', 'up']);
  expect(forBrowsing(all, ['up', 'delete']).map((c) => c.id)).toEqual(['up', 'delete', 'run']);
});
