import { useMemo, useSyncExternalStore } from 'react';
import { useSelected, useSignal } from '../../ui/useSignal';
import type { NotebookController } from '../notebook/controller';
import { headingsOf } from '../notebook/headings';

/** The headings of the notebook; a click goes there. */
export function Outline({ notebook }: { notebook: NotebookController }) {
  const { store } = notebook;
  const ids = useSignal(store.cellIds);
  const text = useSourceOfHeadings(notebook);
  const active = useSelected(notebook.cursor.selection, (s) => s.active);
  const headings = useMemo(
    () =>
      ids.flatMap((id) => {
        const cell = store.cell(id);
        return cell?.type.get() === 'markdown' ? headingsOf(id, cell.source.get()) : [];
      }),
    [ids, store, text],
  );
  const under = useMemo(() => {
    const at = active === null ? -1 : ids.indexOf(active);
    return headings.findLast((h) => ids.indexOf(h.id) <= at);
  }, [headings, ids, active]);
  if (headings.length === 0) return <p className="panel-empty">Headings of text cells appear here.</p>;
  const top = Math.min(...headings.map((h) => h.level));
  return (
    <ul className="rows">
      {headings.map((h, i) => (
        <li key={`${h.id}${i}`}>
          <button type="button" className={`row${h === under ? ' on' : ''}`} style={{ paddingLeft: 8 + (h.level - top) * 14 }} onClick={() => notebook.cursor.jump(h.id)}>
            <span className="row-name">{h.text}</span>
          </button>
        </li>
      ))}
    </ul>
  );
}

/** A number that changes when the source of a Markdown cell does. */
function useSourceOfHeadings(notebook: NotebookController): number {
  const ids = useSignal(notebook.store.cellIds);
  const watch = useMemo(() => {
    let version = 0;
    return {
      subscribe: (fn: () => void) => {
        const tell = () => {
          version++;
          fn();
        };
        const offs = ids.flatMap((id) => {
          const cell = notebook.store.cell(id);
          if (!cell) return [];
          return cell.type.get() === 'markdown' ? [cell.source.subscribe(tell), cell.type.subscribe(tell)] : [cell.type.subscribe(tell)];
        });
        return () => offs.forEach((off) => off());
      },
      get: () => version,
    };
  }, [ids, notebook]);
  return useSyncExternalStore(watch.subscribe, watch.get);
}
