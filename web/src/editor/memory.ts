import { history, historyField, isolateHistory } from '@codemirror/commands';
import { EditorState, StateEffect, Transaction, type ChangeSet, type Extension } from '@codemirror/state';
import type { CellStore } from '../notebook/store';

/**
 * What an editor leaves behind when it goes: its text, caret and history, kept in step with the cell, so that undo works after the
 * cell was out of sight. Undo and redo touch own edits only: those from elsewhere are not added to the history but move it.
 */

/** An edit of others. */
export const elsewhere = [Transaction.remote.of(true), Transaction.addToHistory.of(false)];
/** An edit of the person that was not made in an editor: the document has it already, and it can be undone alone. */
export const ownEdit = [Transaction.remote.of(true), isolateHistory.of('full')];

const resting: Extension = [EditorState.lineSeparator.of('\n'), history()];

interface Rest {
  state: EditorState;
  readonly stop: () => void;
}
const rests = new WeakMap<CellStore, Rest>();

/** The state to begin an editor with. */
export function wake(cell: CellStore, extensions: Extension): EditorState {
  const rest = rests.get(cell);
  rest?.stop();
  rests.delete(cell);
  const text = cell.doc.text;
  if (!rest || rest.state.doc.toString() !== text) return EditorState.create({ doc: text, extensions });
  return rest.state.update({ effects: StateEffect.reconfigure.of(extensions) }).state;
}

/** Keeps what an editor had. */
export function sleep(cell: CellStore, last: EditorState): void {
  const state = last.update({ effects: StateEffect.reconfigure.of(resting) }).state;
  const depth = state.field(historyField, false);
  if (!depth) return;
  const rest: Rest = {
    state,
    stop: cell.doc.onRemote((changes: ChangeSet, own) => {
      if (changes.length !== rest.state.doc.length) {
        rest.stop();
        rests.delete(cell);
      } else rest.state = rest.state.update({ changes, annotations: own ? ownEdit : elsewhere }).state;
    }),
  };
  rests.set(cell, rest);
}
