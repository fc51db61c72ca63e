import { X } from 'lucide-react';
import { useEffect, useState } from 'react';
import type { NotebookStore } from '../../notebook/store';
import { useSelected } from '../../ui/useSignal';
import { useServices } from '../context';
import { readVariables, type VariableRow } from './read';

/** The kernel's variables as the last finished run left them. */
export function Variables({ store }: { store: NotebookStore }) {
  const { settings } = useServices();
  const [rows, setRows] = useState<readonly VariableRow[] | null>(null);
  const kernel = useSelected(store.kernel, (k) => k.id);
  useEffect(() => store.on('run_done', (done) => {
    if (done.variables) setRows(readVariables(done.variables));
  }), [store]);
  useEffect(() => setRows(null), [kernel]);
  return (
    <aside className="side" aria-label="Variables">
      <header className="panel-head">
        <h2>Variables</h2>
        <button type="button" className="btn btn-icon btn-small" aria-label="Close variables" onClick={() => settings.side.set('closed')}>
          <X size={14} />
        </button>
      </header>
      {rows === null && <p className="panel-empty">They appear when a cell has run.</p>}
      {rows?.length === 0 && <p className="panel-empty">None yet.</p>}
      <dl className="vars">
        {rows?.map((v) => (
          <div key={v.name} className="var" title={`${v.name}: ${v.type} = ${v.value}`}>
            <dt className="mono var-name">{v.name}</dt>
            <dd className="var-type">{v.type}</dd>
            <dd className="mono var-value">{v.value}</dd>
          </div>
        ))}
      </dl>
    </aside>
  );
}
