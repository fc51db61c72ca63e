/** Cells that become another type, each with its way back. */
import type { NotebookStore } from '../../notebook/store';
import type { CellId, CellType } from '../../protocol/types';
import type { Cursor } from './cursor';
import type { Step } from './undo';

/** Text has no outputs: a code cell that has some goes into the bin and another takes its place, so that they can be brought back. */
export function recast(store: NotebookStore, cursor: Cursor, id: CellId, type: CellType): Step {
  const cell = store.cell(id);
  const was = cell?.type.get() ?? type;
  if (!cell || was !== 'code' || cell.outputs.get().length === 0) {
    const go = (to: CellType) => {
      store.change(id, { type: to });
      if (to === 'markdown') cursor.open(id, true);
    };
    go(type);
    return { undo: () => go(was), redo: () => go(type) };
  }
  const leave = (from: CellId, to: CellId) => {
    cursor.exchange(from, to);
    store.remove([from]);
  };
  const change = (from: CellId, to: CellId) => {
    store.restore(to, cursor.indexOf(from));
    leave(from, to);
  };
  const made = store.insert(cursor.indexOf(id), type, cell.doc.text, { metadata: cell.metadata.get() });
  if (type === 'markdown') cursor.open(made, true);
  leave(id, made);
  return { undo: () => change(made, id), redo: () => change(id, made) };
}

/** The selected text cells become headings of this level; code stays code. Null when there is no text. */
export function toHeadings(store: NotebookStore, cursor: Cursor, level: number): Step | null {
  const cells = cursor.selected().flatMap((id) => {
    const cell = store.cell(id);
    return cell?.type.get() === 'markdown' ? [{ cell, before: cell.doc.text, after: `${'#'.repeat(level)} ${cell.doc.text.replace(/^\s*#{1,6}\s*/, '')}` }] : [];
  });
  if (cells.length === 0) return null;
  const put = (which: 'before' | 'after') => cells.forEach((c) => c.cell.doc.replace(c[which]));
  put('after');
  for (const { cell } of cells) cursor.open(cell.id, true);
  return { undo: () => put('before'), redo: () => put('after') };
}
