/** The commands of a notebook, with Jupyter's keys. */
import type { Command } from '../commands/registry';
import type { NotebookController } from './controller';

export interface NotebookContext {
  readonly notebook: NotebookController | null;
}

type C = Command<NotebookContext>;

function on(id: string, title: string, group: string, keys: readonly string[], when: C['when'], run: (n: NotebookController) => void, more: Partial<C> = {}): C {
  return {
    id,
    title,
    group,
    keys,
    when,
    enabled: (c) => c.notebook !== null,
    run: (c) => {
      if (c.notebook) run(c.notebook);
    },
    ...more,
  };
}

const modes: readonly C[] = [
  on('edit', 'Edit cell', 'Move', ['Enter'], 'command', (n) => n.cursor.edit()),
  on('command', 'Leave the editor', 'Move', ['Escape', 'Ctrl+M'], 'edit', (n) => n.cursor.command(), { afterEditor: true, also: 'command mode' }),
  on('up', 'Cell above', 'Move', ['K', 'ArrowUp'], 'command', (n) => n.cursor.move(-1)),
  on('down', 'Cell below', 'Move', ['J', 'ArrowDown'], 'command', (n) => n.cursor.move(1)),
  on('extend-up', 'Select upwards too', 'Move', ['Shift+K', 'Shift+ArrowUp'], 'command', (n) => n.cursor.extend(-1)),
  on('extend-down', 'Select downwards too', 'Move', ['Shift+J', 'Shift+ArrowDown'], 'command', (n) => n.cursor.extend(1)),
  on('extend-first', 'Select to the first cell', 'Move', ['Shift+Home'], 'command', (n) => n.cursor.extend('first')),
  on('extend-last', 'Select to the last cell', 'Move', ['Shift+End'], 'command', (n) => n.cursor.extend('last')),
  on('select-all', 'Select all cells', 'Move', ['Accel+A'], 'command', (n) => n.cursor.selectAll()),
];

const writing: readonly C[] = [
  on('help', 'Help on the name at the caret', 'Write', ['Shift+Tab'], 'edit', (n) => n.cursor.handle()?.help(), { also: 'tooltip documentation' }),
  on('history-back', 'What was run before, further back', 'Write', ['Alt+ArrowUp'], 'edit', (n) => void n.recall(-1), { also: 'kernel history' }),
  on('history-on', 'What was run before, nearer', 'Write', ['Alt+ArrowDown'], 'edit', (n) => void n.recall(1), { also: 'kernel history' }),
];

const running: readonly C[] = [
  on('run-next', 'Run and go to the next cell', 'Run', ['Shift+Enter'], 'notebook', (n) => n.runAndNext()),
  on('run', 'Run', 'Run', ['Accel+Enter'], 'notebook', (n) => n.runInPlace(), { also: 'execute' }),
  on('run-insert', 'Run and insert a cell below', 'Run', ['Alt+Enter'], 'notebook', (n) => n.runAndInsert()),
  on('run-all', 'Run all cells', 'Run', [], 'palette', (n) => n.runAll()),
  on('run-above', 'Run all cells above', 'Run', [], 'palette', (n) => n.runFrom('above')),
  on('run-below', 'Run this cell and all below', 'Run', [], 'palette', (n) => n.runFrom('below')),
  on('interrupt', 'Interrupt', 'Kernel', ['I I'], 'command', (n) => n.store.interrupt(), { also: 'stop' }),
  on('cancel-queue', 'Empty the queue', 'Kernel', [], 'palette', (n) => n.store.cancel()),
];

const changing: readonly C[] = [
  on('insert-above', 'Insert a cell above', 'Cell', ['A'], 'command', (n) => n.insert('above')),
  on('insert-below', 'Insert a cell below', 'Cell', ['B'], 'command', (n) => n.insert('below')),
  on('insert-heading-above', 'Insert a heading above', 'Cell', ['Shift+A'], 'command', (n) => n.insertHeading('above')),
  on('insert-heading-below', 'Insert a heading below', 'Cell', ['Shift+B'], 'command', (n) => n.insertHeading('below')),
  on('delete', 'Delete', 'Cell', ['D D'], 'command', (n) => n.remove(), { also: 'remove' }),
  on('undo', 'Undo the last change of cells', 'Cell', ['Z'], 'command', (n) => void n.undo.undo(), { also: 'restore deleted' }),
  on('redo', 'Redo the last change of cells', 'Cell', ['Shift+Z'], 'command', (n) => void n.undo.redo()),
  on('cut', 'Cut', 'Cell', ['X'], 'command', (n) => n.cut()),
  on('copy', 'Copy', 'Cell', ['C'], 'command', (n) => n.copy()),
  on('paste', 'Paste below', 'Cell', ['V'], 'command', (n) => n.paste('below')),
  on('paste-above', 'Paste above', 'Cell', ['Shift+V'], 'command', (n) => n.paste('above')),
  on('duplicate', 'Duplicate', 'Cell', [], 'palette', (n) => n.duplicate()),
  on('merge', 'Merge the selected cells, or with the one below', 'Cell', ['Shift+M'], 'command', (n) => n.merge()),
  on('merge-above', 'Merge with the cell above', 'Cell', ['Ctrl+Backspace'], 'command', (n) => n.merge('above')),
  on('merge-below', 'Merge with the cell below', 'Cell', ['Ctrl+Shift+M'], 'command', (n) => n.merge('below')),
  on('split', 'Split at the caret', 'Write', ['Ctrl+Shift+-'], 'edit', (n) => n.split()),
  on('move-up', 'Move up', 'Cell', ['Ctrl+Shift+ArrowUp'], 'notebook', (n) => n.moveCells(-1)),
  on('move-down', 'Move down', 'Cell', ['Ctrl+Shift+ArrowDown'], 'notebook', (n) => n.moveCells(1)),
  on('clear', 'Clear the output', 'Cell', [], 'palette', (n) => n.clear()),
  on('clear-all', 'Clear all outputs', 'Cell', [], 'palette', (n) => n.store.clear()),
];

const kinds: readonly C[] = [
  on('to-code', 'Make it code', 'Cell type', ['Y'], 'command', (n) => n.setType('code')),
  on('to-markdown', 'Make it text', 'Cell type', ['M'], 'command', (n) => n.setType('markdown'), { also: 'markdown' }),
  on('to-raw', 'Make it raw', 'Cell type', ['R'], 'command', (n) => n.setType('raw')),
  ...[1, 2, 3, 4, 5, 6].map((level) => on(`heading-${level}`, `Make it a heading of level ${level}`, 'Cell type', [String(level)], 'command', (n) => n.setHeading(level))),
];

const views: readonly C[] = [
  on('toggle-output', 'Show or hide the output', 'View', ['O'], 'command', (n) => n.toggleOutputs(), { also: 'collapse' }),
  on('line-numbers', 'Line numbers of this cell', 'View', ['L'], 'command', (n) => n.toggleLineNumbers()),
  on('heading-up', 'Fold the section, or go to the heading above', 'View', ['ArrowLeft'], 'command', (n) => n.headingUpOrFold(), { also: 'collapse' }),
  on('heading-down', 'Unfold the section, or go to the next heading', 'View', ['ArrowRight'], 'command', (n) => n.headingDownOrUnfold(), { also: 'expand' }),
  on('fold-all', 'Fold all sections', 'View', ['Ctrl+Shift+ArrowLeft'], 'command', (n) => n.foldAll(true)),
  on('unfold-all', 'Unfold all sections', 'View', ['Ctrl+Shift+ArrowRight'], 'command', (n) => n.foldAll(false)),
  on('to-running', 'Go to the running cell', 'View', [], 'palette', (n) => {
    const [id] = n.store.running.get();
    if (id !== undefined) n.cursor.jump(id);
  }),
  on('to-prompt', 'Go to the question that waits', 'View', [], 'palette', (n) => n.cursor.toPrompt()),
  on('find', 'Find in all cells', 'Find', ['Accel+F'], 'always', (n) => n.lookFor('find'), { also: 'search' }),
  on('replace', 'Find and replace in all cells', 'Find', ['Accel+H'], 'always', (n) => n.lookFor('replace')),
  on('search', 'Search the notebook, all matches in a list', 'Find', ['F'], 'command', (n) => n.lookFor('replace', 'panel'), { also: 'find outputs replace' }),
  on('find-next', 'Next match', 'Find', ['Accel+G', 'F3'], 'always', (n) => n.lookOn(1)),
  on('find-previous', 'Previous match', 'Find', ['Accel+Shift+G', 'Shift+F3'], 'always', (n) => n.lookOn(-1)),
  on('save', 'Save now', 'File', ['Accel+S'], 'always', (n) => n.store.save()),
];

export const notebookCommands: readonly C[] = [...modes, ...writing, ...running, ...changing, ...kinds, ...views];
