import { Search } from 'lucide-react';
import { useEffect, useMemo, useRef, useState, type ReactNode } from 'react';
import { Dialog } from '../../ui/Dialog';
import { useSignal } from '../../ui/useSignal';
import { useServices } from '../context';
import { FilesPanel } from '../files/FilesPanel';
import { SearchPanel } from '../find/load';
import type { NotebookController } from '../notebook/controller';
import { Variables } from '../variables/Variables';
import { LoginPanel } from './LoginPanel';
import { Outline } from './Outline';
import { Rail } from './Rail';
import { StatusLine } from './StatusLine';
import { TopBar } from './TopBar';
import { useSearching } from './useSearching';

/** Everything around the cells. On a phone the panel is a drawer. */
export function AppFrame({ notebook, path, children }: { notebook: NotebookController | null; path: string; children: ReactNode }) {
  const { settings, route } = useServices();
  const rail = useSignal(settings.rail);
  const side = useSignal(settings.side);
  const now = useSignal(route);
  const narrow = useNarrow();
  const [drawer, setDrawer] = useState(false);
  useEffect(() => setDrawer(false), [now]);
  const searching = useSearching(notebook);
  const open = searching || (!narrow && (rail === 'files' || (rail === 'outline' && notebook !== null)));
  // On a phone they would cover the cells: only when asked for there.
  const [atFirst] = useState(side);
  const asked = useRef(false);
  asked.current ||= side !== atFirst;
  const variables = side === 'variables' && notebook !== null && (!narrow || asked.current);
  const panel = useMemo(() => {
    if (searching && notebook) return { label: 'Search', body: <SearchPanel notebook={notebook} covers={narrow} /> };
    return rail === 'outline' && notebook && !narrow ? { label: 'Outline', body: <OutlinePanel notebook={notebook} /> } : { label: 'Files', body: <FilesPanel notebook={notebook} /> };
  }, [rail, notebook, narrow, searching]);
  return (
    <div className={`frame${open ? ' with-panel' : ''}${variables ? ' with-side' : ''}`}>
      <TopBar notebook={notebook} path={path} menu={() => setDrawer(true)} />
      <LoginPanel />
      <Rail notebook={notebook} />
      {open && <aside className="panel" aria-label={panel.label}>{panel.body}</aside>}
      <main className="main" tabIndex={-1}>
        {children}
      </main>
      {variables && <Variables notebook={notebook} />}
      <StatusLine notebook={notebook} />
      {drawer && (
        <Dialog label="Files" close={() => setDrawer(false)} className="drawer" bare>
          {notebook && (
            <button
              type="button"
              className="row drawer-search"
              onClick={() => {
                setDrawer(false);
                notebook.lookFor('find', 'panel');
              }}
            >
              <Search size={15} />
              <span className="row-name">Search the notebook</span>
            </button>
          )}
          <FilesPanel notebook={notebook} />
          {notebook && <OutlinePanel notebook={notebook} />}
        </Dialog>
      )}
    </div>
  );
}

function OutlinePanel({ notebook }: { notebook: NotebookController }) {
  return (
    <>
      <header className="panel-head">
        <h2>Outline</h2>
      </header>
      <Outline notebook={notebook} />
    </>
  );
}

function useNarrow(): boolean {
  const query = useMemo(() => matchMedia('(max-width: 820px)'), []);
  const [narrow, setNarrow] = useState(query.matches);
  useEffect(() => {
    const put = () => setNarrow(query.matches);
    query.addEventListener('change', put);
    return () => query.removeEventListener('change', put);
  }, [query]);
  return narrow;
}
