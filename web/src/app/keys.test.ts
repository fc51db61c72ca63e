/** Jupyter's keys, one by one: where each counts, and the command that it reaches. */
import { describe, expect, it } from 'vitest';
import type { KeyLike } from '../ui/keys';
import { KeyReader, type Place } from '../views/commands/registry';
import { commands } from './commands';

/** As JupyterLab's list of shortcuts has them; Accel is Control here. */
const list: readonly (readonly [keys: string, place: Place, command: string])[] = [
  ['Enter', 'command', 'edit'],
  ['Escape', 'edit', 'command'], ['Ctrl+M', 'edit', 'command'],
  ['Shift+Enter', 'command', 'run-next'], ['Shift+Enter', 'edit', 'run-next'],
  ['Accel+Enter', 'command', 'run'], ['Accel+Enter', 'edit', 'run'],
  ['Alt+Enter', 'command', 'run-insert'], ['Alt+Enter', 'edit', 'run-insert'],
  ['A', 'command', 'insert-above'], ['B', 'command', 'insert-below'],
  ['D D', 'command', 'delete'],
  ['Z', 'command', 'undo'], ['Shift+Z', 'command', 'redo'],
  ['X', 'command', 'cut'], ['C', 'command', 'copy'], ['V', 'command', 'paste'],
  ['Y', 'command', 'to-code'], ['M', 'command', 'to-markdown'], ['R', 'command', 'to-raw'],
  ['1', 'command', 'heading-1'], ['2', 'command', 'heading-2'], ['3', 'command', 'heading-3'], ['4', 'command', 'heading-4'], ['5', 'command', 'heading-5'], ['6', 'command', 'heading-6'],
  ['J', 'command', 'down'], ['K', 'command', 'up'], ['ArrowDown', 'command', 'down'], ['ArrowUp', 'command', 'up'],
  ['Shift+J', 'command', 'extend-down'], ['Shift+K', 'command', 'extend-up'], ['Shift+ArrowDown', 'command', 'extend-down'], ['Shift+ArrowUp', 'command', 'extend-up'],
  ['Shift+Home', 'command', 'extend-first'], ['Shift+End', 'command', 'extend-last'],
  ['Accel+A', 'command', 'select-all'],
  ['Shift+M', 'command', 'merge'], ['Ctrl+Backspace', 'command', 'merge-above'], ['Ctrl+Shift+M', 'command', 'merge-below'],
  ['Ctrl+Shift+-', 'edit', 'split'],
  ['Ctrl+Shift+ArrowUp', 'command', 'move-up'], ['Ctrl+Shift+ArrowDown', 'command', 'move-down'],
  ['ArrowLeft', 'command', 'heading-up'], ['ArrowRight', 'command', 'heading-down'],
  ['Ctrl+Shift+ArrowLeft', 'command', 'fold-all'], ['Ctrl+Shift+ArrowRight', 'command', 'unfold-all'],
  ['Shift+A', 'command', 'insert-heading-above'], ['Shift+B', 'command', 'insert-heading-below'],
  ['Shift+L', 'command', 'all-line-numbers'],
  ['Shift+R', 'command', 'beside'],
  ['I I', 'command', 'interrupt'], ['0 0', 'command', 'restart'],
  ['Accel+S', 'command', 'save'], ['Accel+S', 'edit', 'save'],
  ['F', 'command', 'search'], ['Accel+F', 'command', 'find'], ['Accel+F', 'edit', 'find'], ['Accel+H', 'command', 'replace'], ['Accel+H', 'edit', 'replace'],
  ['Accel+Shift+C', 'command', 'palette'], ['Accel+Shift+C', 'edit', 'palette'], ['Accel+Shift+C', 'page', 'palette'],
  ['Accel+B', 'command', 'files'], ['Accel+B', 'edit', 'files'],
  ['Shift+Tab', 'edit', 'help'],
  ['Alt+ArrowUp', 'edit', 'history-back'], ['Alt+ArrowDown', 'edit', 'history-on'],
];

/** What a keyboard sends for "Ctrl+Shift+-". */
function pressed(stroke: string): KeyLike {
  const parts = stroke.split('+');
  const key = parts.at(-1) ?? '';
  const shiftKey = parts.includes('Shift');
  const letter = /^[A-Z]$/.test(key);
  return {
    key: letter && !shiftKey ? key.toLowerCase() : shiftKey && key === '-' ? '_' : key,
    code: letter ? `Key${key}` : /^\d$/.test(key) ? `Digit${key}` : key === '-' ? 'Minus' : key,
    ctrlKey: parts.includes('Ctrl') || parts.includes('Accel'), metaKey: false, altKey: parts.includes('Alt'), shiftKey,
  };
}

describe('Jupyter’s keys', () => {
  it.each(list)('%s in %s mode: %s', (keys, place, id) => {
    const reader = new KeyReader(commands);
    const results = keys.split(' ').map((stroke, i) => reader.press(pressed(stroke), place, i));
    const last = results.pop();
    expect(results.every((r) => r === 'waiting')).toBe(true);
    expect(last && last !== 'waiting' ? last.command.id : last).toBe(id);
  });
});

describe('commands', () => {
  it('have an id each', () => expect(new Set(commands.map((c) => c.id)).size).toBe(commands.length));
  it('never share a key in one place', () => {
    for (const place of ['command', 'edit', 'page'] as const) {
      for (const command of commands.filter((c) => c.when !== 'palette')) {
        for (const keys of command.keys) {
          const reader = new KeyReader(commands);
          const found = keys.split(' ').map((stroke, i) => reader.press(pressed(stroke), place, i)).at(-1);
          if (found && found !== 'waiting') expect(found.command.id, `${keys} in ${place}`).toBe(command.id);
        }
      }
    }
  });
});
