import { useMemo } from 'react';
import { PanelHead } from '../../ui/PanelHead';
import { useSelected, useSignal } from '../../ui/useSignal';
import { useServices } from '../context';
import type { NotebookController } from '../notebook/controller';
import { readVariables } from './read';

/** The kernel's variables as the last finished run left them. */
export function Variables({ notebook }: { notebook: NotebookController }) {
  const { settings } = useServices();
  const variables = useSignal(notebook.variables);
  const rows = useMemo(() => (variables === null ? null : readVariables(variables)), [variables]);
  const alive = useSelected(notebook.store.kernel, (k) => k.state === 'idle' || k.state === 'busy');
  return (
    <aside className="side" aria-label="Variables">
      <PanelHead title="Variables" close={() => settings.side.set('closed')} />
      {rows === null && <p className="panel-empty">{alive ? 'They appear when the next run ends.' : 'They appear when a cell has run.'}</p>}
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
