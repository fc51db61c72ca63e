import type { Cell, Output, SnapshotPart, State } from '../protocol/types';
import { fillText } from './text';

/** The state before anything is known. */
export const emptyState: State = {
  notebook: '', epoch: '', n: 0, metadata: {}, cells: [],
  kernel: { id: '', name: '', display_name: '', language: '', state: 'none' },
  queue: [], prompts: [], save: { state: 'saved', since: 0 }, bin: [], widgets: {},
};

/** A snapshot with one more part: further cells, further outputs of a cell, or a piece of a long text. */
export function addPart(state: State, part: SnapshotPart): State {
  let cells = part.cells && part.cells.length > 0 ? [...state.cells, ...part.cells] : state.cells;
  const more = part.outputs;
  if (part.cell_id !== undefined && more && more.length > 0) {
    cells = cells.map((c) => (c.id === part.cell_id ? { ...c, outputs: [...c.outputs, ...more] } : c));
  }
  if (part.cell_id !== undefined && part.text !== undefined) {
    const { cell_id, output_id, at, text } = part;
    cells = cells.map((c) => (c.id === cell_id ? (output_id === undefined ? { ...c, source: c.source + text } : lengthen(c, output_id, at, text)) : c));
  }
  return { ...state, cells, widgets: part.widgets ? { ...state.widgets, ...part.widgets } : state.widgets };
}

function lengthen(cell: Cell, id: Output['id'], at: number, text: string): Cell {
  const outputs = cell.outputs.map((o) => (o.id === id && o.kind === 'stream' ? { ...o, text: fillText(o.text, at, text) } : o));
  return { ...cell, outputs };
}
