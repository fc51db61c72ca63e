import type { CellId } from '../../protocol/types';
import { useSelected, useSignal } from '../../ui/useSignal';
import { useNotebook } from './context';
import { PromptBox } from './Prompt';

/** What deleted cells ask while they run on: answered at the foot of the cells. */
export function DeletedAsks() {
  const { store, cursor } = useNotebook();
  const prompts = useSignal(store.prompts);
  const here = useSignal(store.cellIds);
  const bin = useSelected(store.bin, (all) => all.map((entry) => entry.cell_id), (a, b) => a.join() === b.join());
  const putBack = (id: CellId) => {
    store.restore(id, here.length);
    cursor.focus(id);
  };
  return prompts.map((p) =>
    here.includes(p.cell_id) ? null : (
      <section key={p.request_id} className="deleted-ask" aria-label="A deleted cell asks">
        <header>
          <b>A deleted cell asks</b>
          {bin.includes(p.cell_id) && (
            <button type="button" className="btn btn-small btn-line" onClick={() => putBack(p.cell_id)}>
              Put the cell back
            </button>
          )}
        </header>
        <PromptBox prompt={p} />
      </section>
    ),
  );
}
