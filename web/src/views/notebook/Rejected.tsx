import type { PendingCommand } from '../../notebook/model';
import type { NotebookStore } from '../../notebook/store';
import { useSelected } from '../../ui/useSignal';
import { useNotebook } from './context';
import type { NotebookController } from './controller';

const WHAT: Partial<Record<PendingCommand['body']['type'], string>> = {
  execute: 'A run',
  run: 'A run',
  edit: 'An edit',
  input_reply: 'An answer',
  cell_insert: 'A new cell',
  cell_delete: 'A deletion',
  save: 'Saving',
  kernel_start: 'Starting the kernel',
  kernel_restart: 'Restarting the kernel',
  kernel_stop: 'Stopping the kernel',
  widget_change: 'A change of a widget',
};

/** Text whose cell is here is shown there. */
const atItsCell = (store: NotebookStore, p: PendingCommand) => p.body.type === 'edit' && p.text !== undefined && store.cellIds.get().includes(p.body.cell_id);

const sameItems = (a: readonly PendingCommand[], b: readonly PendingCommand[]) => a.length === b.length && a.every((x, i) => x === b[i]);

/** Text whose cell was deleted elsewhere becomes a cell again, at the end. */
function putBack(notebook: NotebookController, p: PendingCommand, text: string): void {
  const type = p.body.type === 'edit' ? notebook.store.cell(p.body.cell_id)?.type.get() : undefined;
  notebook.insertAt(notebook.cursor.cells().length, type ?? 'code', text);
  notebook.store.dismiss(p.cmd_id);
}

/** What the server refused, and text that could not be put into its cell: shown until dismissed, never dropped. */
export function Rejected({ store }: { store: NotebookStore }) {
  const rejected = useSelected(store.pending, (all) => all.filter((p) => p.rejected && !atItsCell(store, p)), sameItems);
  const notebook = useNotebook();
  return rejected.map((p) => (
    <div key={p.cmd_id} className="rejected" role="alert">
      <div className="grow">
        <b>{WHAT[p.body.type] ?? 'A change'} was not taken:</b> {p.rejected?.error || p.rejected?.code}
        {p.text !== undefined && <pre className="rejected-text mono">{p.text}</pre>}
      </div>
      {p.text !== undefined && p.body.type === 'edit' && (
        <button type="button" className="btn btn-small btn-line" onClick={() => putBack(notebook, p, p.text ?? '')}>
          Put it back as a cell
        </button>
      )}
      {p.text !== undefined && (
        <button type="button" className="btn btn-small btn-line" onClick={() => void navigator.clipboard?.writeText(p.text ?? '')}>
          Copy the text
        </button>
      )}
      <button type="button" className="btn btn-small btn-line" onClick={() => store.dismiss(p.cmd_id)}>
        Dismiss
      </button>
    </div>
  ));
}
