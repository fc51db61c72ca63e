import { List } from 'lucide-react';
import type { NotebookController } from '../notebook/controller';
import { Fields } from './Fields';
import { finderOf } from './start';

/** Over the cells: one hit after the other. */
export function FindBar({ notebook }: { notebook: NotebookController }) {
  const { find } = notebook;
  const onKeyDown = (e: React.KeyboardEvent) => {
    if (e.key !== 'Escape') return;
    e.preventDefault();
    find.close();
  };
  return (
    <div onKeyDown={onKeyDown}>
      <Fields find={find} finder={finderOf(notebook)} on={() => undefined}>
        <button type="button" className="tool" aria-label="All matches in a list" title="All matches in a list" onClick={() => find.open(find.replacing.get() ? 'replace' : 'find', 'panel', find.mode)}>
          <List size={14} />
        </button>
      </Fields>
    </div>
  );
}
