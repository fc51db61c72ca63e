import { ArrowDown, ArrowUp, Copy, Ellipsis, Play, Plus, Trash2 } from 'lucide-react';
import type { CellStore } from '../../notebook/store';
import type { CellType } from '../../protocol/types';
import { MenuButton, type MenuEntry } from '../../ui/Menu';
import { keyText } from '../../ui/keys';
import { useNotebook } from './context';
import { notebookCommands } from './commands';

/** The tools of the cell that is pointed at or active. */
export function CellTools({ cell, type, index, last }: { cell: CellStore; type: CellType; index: number; last: boolean }) {
  const notebook = useNotebook();
  const { id } = cell;
  const alone = (fn: () => void) => () => {
    notebook.cursor.select(id);
    fn();
  };
  return (
    <div className="cell-tools" role="toolbar" aria-label={`Tools of cell ${index + 1}`}>
      <Tool label="Run" run={alone(() => notebook.runInPlace())} icon={<Play size={14} />} />
      <Tool label="Move up" run={alone(() => notebook.moveCells(-1))} disabled={index === 0} icon={<ArrowUp size={14} />} />
      <Tool label="Move down" run={alone(() => notebook.moveCells(1))} disabled={last} icon={<ArrowDown size={14} />} />
      <Tool label="Duplicate" run={alone(() => notebook.duplicate())} icon={<Copy size={14} />} />
      <Tool label="Delete" run={alone(() => notebook.remove())} icon={<Trash2 size={14} />} />
      <MenuButton label={`More for cell ${index + 1}`} className="tool" width={264} onOpen={() => notebook.cursor.select(id)} entries={() => entries(notebook, type)}>
        <Ellipsis size={14} />
      </MenuButton>
    </div>
  );
}

function Tool(props: { label: string; run: () => void; icon: React.ReactNode; disabled?: boolean }) {
  return (
    <button type="button" className="tool" tabIndex={-1} aria-label={props.label} title={props.label} disabled={props.disabled} onClick={props.run}>
      {props.icon}
    </button>
  );
}

function entries(notebook: ReturnType<typeof useNotebook>, type: CellType): MenuEntry[] {
  const item = (id: string, checked?: boolean): MenuEntry => {
    const command = notebookCommands.find((c) => c.id === id);
    return {
      id,
      label: command?.title ?? id,
      note: command?.keys[0] === undefined ? undefined : keyText(command.keys[0]),
      checked,
      danger: id === 'delete',
      run: () => command?.run({ notebook }),
    };
  };
  return [
    item('to-code', type === 'code'),
    item('to-markdown', type === 'markdown'),
    item('to-raw', type === 'raw'),
    'line',
    item('run-above'),
    item('run-below'),
    item('run-insert'),
    'line',
    item('cut'),
    item('copy'),
    item('paste'),
    item('merge-below'),
    'line',
    item('toggle-output'),
    item('clear'),
    'line',
    item('delete'),
  ];
}

/** Between two cells: a new one of either kind. */
export function InsertBar({ index }: { index: number }) {
  const notebook = useNotebook();
  return (
    <div className="insert">
      <div className="insert-line">
        <button type="button" tabIndex={-1} className="insert-button" onClick={() => notebook.insertAt(index, 'code', '', 'edit')}>
          <Plus size={12} /> Code
        </button>
        <button type="button" tabIndex={-1} className="insert-button" onClick={() => notebook.insertAt(index, 'markdown', '', 'edit')}>
          <Plus size={12} /> Text
        </button>
      </div>
    </div>
  );
}
