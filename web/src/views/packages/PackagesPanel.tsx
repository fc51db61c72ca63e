import { RefreshCw } from 'lucide-react';
import { useEffect, useMemo, useState } from 'react';
import { PanelHead } from '../../ui/PanelHead';
import { useSelected, useSignal } from '../../ui/useSignal';
import { count } from '../../ui/words';
import { useServices } from '../context';
import type { NotebookController } from '../notebook/controller';
import { environmentOf, Refused, type Environment } from './api';
import { installerOf, startOf } from './installer';
import './packages.css';

/** What the environment of the notebook's kernel has, and a way to bring one more. */
export function PackagesPanel({ notebook }: { notebook: NotebookController }) {
  const { settings } = useServices();
  const { store } = notebook;
  const kernel = useSignal(store.kernel);
  const started = kernel.id !== '' && kernel.state !== 'none' && kernel.state !== 'starting';
  const python = kernel.language === 'python';
  const close = () => {
    settings.packages.set(false);
    notebook.cursor.refocus();
  };
  const onKeyDown = (e: React.KeyboardEvent) => {
    if (e.key !== 'Escape' || e.nativeEvent.isComposing) return;
    e.preventDefault();
    close();
  };
  return (
    <div onKeyDown={onKeyDown}>
      <PanelHead title="Packages" close={close} />
      {started && python ? (
        <Packages key={kernel.id} notebook={notebook} where={kernel.display_name} />
      ) : started ? (
        <p className="panel-empty">{kernel.display_name} is not Python. Runnel knows the packages of Python environments only.</p>
      ) : kernel.state === 'starting' ? (
        <p className="panel-empty">The kernel is being started.</p>
      ) : (
        <div className="panel-empty">
          <p>The notebook has no kernel yet: start it to see what its environment has.</p>
          <button type="button" className="btn btn-line btn-small" onClick={() => store.kernelStart()}>
            Start the kernel
          </button>
        </div>
      )}
    </div>
  );
}

function Packages({ notebook, where }: { notebook: NotebookController; where: string }) {
  const [environment, why, refresh] = useEnvironment(notebook);
  const [filter, setFilter] = useState('');
  const shown = useMemo(() => environment?.packages.filter((p) => p.name.toLowerCase().includes(filter.trim().toLowerCase())), [environment, filter]);
  return (
    <>
      <p className="packages-where" title={environment?.python}>
        {where}
      </p>
      <Install notebook={notebook} />
      <div className="packages-find">
        <input className="field grow" aria-label="Filter packages" placeholder="Filter" spellCheck={false} autoComplete="off" value={filter} onChange={(e) => setFilter(e.target.value)} />
        <button type="button" className="tool" aria-label="Look again" title="Look again" onClick={refresh}>
          <RefreshCw size={14} />
        </button>
      </div>
      {why !== '' && <p className="panel-empty panel-error">{why}</p>}
      {!environment && why === '' && <p className="panel-empty">Asking the interpreter…</p>}
      {environment && shown && (
        <>
          <p className="packages-count" role="status">
            {shown.length === environment.packages.length ? count(shown.length, 'package') : `${shown.length} of ${count(environment.packages.length, 'package')}`}
          </p>
          <ul className="rows packages" aria-label="Packages">
            {shown.map((p) => (
              <li key={p.name} className="package">
                <span className="row-name">{p.name}</span>
                <span className="row-note">{p.version}</span>
              </li>
            ))}
          </ul>
        </>
      )}
    </>
  );
}

/** What is there, why that is not known, and how to look again. It looks by itself when an installation has ended. */
function useEnvironment(notebook: NotebookController): readonly [Environment | null, string, () => void] {
  const [environment, setEnvironment] = useState<Environment | null>(null);
  const [why, setWhy] = useState('');
  const [asked, setAsked] = useState(0);
  const running = useSelected(installerOf(notebook).state, (s) => s.kind === 'runs');
  useEffect(() => {
    if (running) return;
    const abort = new AbortController();
    environmentOf(notebook.store.path, abort.signal).then(
      (found) => {
        setEnvironment(found);
        setWhy('');
      },
      (problem: unknown) => !abort.signal.aborted && setWhy(problem instanceof Refused ? problem.message : 'The server’s answer cannot be read.'),
    );
    return () => abort.abort();
  }, [notebook, running, asked]);
  return [environment, why, () => setAsked((n) => n + 1)];
}

function Install({ notebook }: { notebook: NotebookController }) {
  const { command } = useServices();
  const installer = installerOf(notebook);
  const state = useSignal(installer.state);
  const start = useSelected(notebook.store.kernel, startOf);
  const [what, setWhat] = useState('');
  const runs = state.kind === 'runs';
  const submit = (e: React.FormEvent) => {
    e.preventDefault();
    if (what.trim() !== '') void installer.install(what.trim());
  };
  return (
    <form className="packages-install" onSubmit={submit}>
      <div className="packages-find">
        <input className="field grow" aria-label="Package to install" placeholder="Name, or name>=1.2" spellCheck={false} autoComplete="off" autoCapitalize="none" maxLength={200} value={what} onChange={(e) => setWhat(e.target.value)} />
        {runs ? (
          <button type="button" className="btn btn-small btn-line" onClick={() => installer.cancel()}>
            Cancel
          </button>
        ) : (
          <button type="submit" className="btn btn-small btn-line">
            Install
          </button>
        )}
      </div>
      <div role="status" className="packages-said">
        {state.kind === 'runs' && <p className="packages-line">{state.line}…</p>}
        {state.kind === 'failed' && <p className="panel-error">{state.why}</p>}
        {state.kind === 'done' && state.kernel !== start && <p>{state.what} is installed.</p>}
        {state.kind === 'done' && state.kernel === start && (
          <p>
            {state.what} is installed. What the kernel has imported already stays as it was until it is restarted.{' '}
            <button type="button" className="link" onClick={() => command('restart')}>
              Restart the kernel
            </button>
          </p>
        )}
      </div>
    </form>
  );
}
