import type { PendingCommand } from '../../notebook/model';
import type { CellStore } from '../../notebook/store';
import type { CellId } from '../../protocol/types';
import { useSignal } from '../../ui/useSignal';
import { Versions } from '../versions/Versions';
import { useNotebook } from './context';

/** In place of a cell that is the other version of one here: both, and which is to stay. */
export function Clash({ cell, mine }: { cell: CellStore; mine: CellStore }) {
  const notebook = useNotebook();
  const here = useSignal(mine.source);
  const there = useSignal(cell.source);
  const keep = (which: 'mine' | 'theirs' | 'both') => () => notebook.settleClash(cell.id, mine.id, which);
  return (
    <Versions label="Two versions of the cell above" title="The cell above was changed here and on disk" mine={{ name: 'Here', text: here }} theirs={{ name: 'On disk', text: there }}>
      <Choice text="Keep mine" run={keep('mine')} />
      <Choice text="Take the one on disk" run={keep('theirs')} />
      <Choice text="Keep both" run={keep('both')} />
    </Versions>
  );
}

/** Below a cell that one side deleted while the other changed it: whether it is to stay. */
export function Deleted({ cell, side }: { cell: CellStore; side: 'here' | 'disk' }) {
  const notebook = useNotebook();
  const title = side === 'disk' ? 'This cell was deleted on disk while you changed it here' : 'You deleted this cell while it was changed on disk';
  return (
    <section className="box versions kept" aria-label="A cell that one side deleted">
      <header className="versions-head">
        <b className="grow">{title}</b>
        <div className="versions-actions">
          <Choice text="Keep it" run={() => notebook.settleDeleted(cell.id, true)} />
          <Choice text="Delete it" run={() => notebook.settleDeleted(cell.id, false)} />
        </div>
      </header>
    </section>
  );
}

/** Text typed here that could not go into its cell, because that was changed elsewhere at the same place meanwhile. */
export function KeptText({ kept, cell }: { kept: PendingCommand & { text: string }; cell: CellStore }) {
  const notebook = useNotebook();
  const now = useSignal(cell.source);
  const after = (run: () => void) => () => {
    run();
    notebook.store.dismiss(kept.cmd_id);
  };
  return (
    <div className="kept" role="alert">
      <Versions label="Your text, which is not in the cell" title="The cell was changed elsewhere while you typed here" mine={{ name: 'What you typed', text: kept.text }} theirs={{ name: 'The cell now', text: now }}>
        <Choice text="Use mine" run={after(() => cell.doc.replace(kept.text))} />
        <Choice text="Leave the cell" run={after(() => undefined)} />
        <Choice text="Keep both" run={after(() => void notebook.insertAt(notebook.cursor.indexOf(cell.id) + 1, cell.type.get(), kept.text))} />
      </Versions>
    </div>
  );
}

/** What of `pending` is text that belongs to this cell. */
export function keptOf(pending: readonly PendingCommand[], id: CellId): readonly (PendingCommand & { text: string })[] {
  return pending.flatMap((p) => (p.rejected && p.text !== undefined && p.body.type === 'edit' && p.body.cell_id === id ? [{ ...p, text: p.text }] : []));
}

function Choice({ text, run }: { text: string; run: () => void }) {
  return (
    <button type="button" className="btn btn-small btn-line" onClick={run}>
      {text}
    </button>
  );
}
