import { Package, Search } from 'lucide-react';
import { useEffect, useMemo, useRef, useState, type ReactNode } from 'react';
import { Dialog } from '../../ui/Dialog';
import { useSignal } from '../../ui/useSignal';
import { useServices } from '../context';
import { FilesPanel } from '../files/FilesPanel';
import { SearchPanel } from '../find/load';
import { PackagesPanel } from '../loadLater';
import type { NotebookController } from '../notebook/controller';
import { Variables } from '../variables/Variables';
import { LoginPanel } from './LoginPanel';
import { Outline } from './Outline';
import { togglePanel, usePanel, type Panel } from './panels';
import { Rail } from './Rail';
import { StatusLine } from './StatusLine';
import { TopBar } from './TopBar';

/** Everything around the cells. On a phone the panel is a drawer. */
export function AppFrame({ notebook, path, children }: { notebook: NotebookController | null; path: string; children: ReactNode }) {
  const { settings, route } = useServices();
  const which = usePanel(settings, notebook);
  const side = useSignal(settings.side);
  const now = useSignal(route);
  const narrow = useNarrow();
  const [drawer, setDrawer] = useState(false);
  useEffect(() => setDrawer(false), [now]);
  // On a phone files and outline are in the drawer; the others cover the cells.
  const open = which !== 'closed' && (!narrow || which === 'search' || which === 'packages');
  // On a phone they would cover the cells: only when asked for there.
  const [atFirst] = useState(side);
  const asked = useRef(false);
  asked.current ||= side !== atFirst;
  const variables = side === 'variables' && notebook !== null && (!narrow || asked.current);
  const panel = useMemo(() => (which === 'closed' ? null : panelOf(which, notebook, narrow)), [which, notebook, narrow]);
  const fromDrawer = (to: Panel) => {
    setDrawer(false);
    togglePanel(to, settings, notebook);
  };
  return (
    <div className={`frame${open ? ' with-panel' : ''}${variables ? ' with-side' : ''}`}>
      <TopBar notebook={notebook} path={path} menu={() => setDrawer(true)} />
      <LoginPanel />
      <Rail notebook={notebook} />
      {open && <aside className="panel" aria-label={labels[which]}>{panel}</aside>}
      <main className="main" tabIndex={-1}>
        {children}
      </main>
      {variables && <Variables notebook={notebook} />}
      <StatusLine notebook={notebook} />
      {drawer && (
        <Dialog label="Files" close={() => setDrawer(false)} className="drawer" bare>
          {notebook && <DrawerRow icon={<Search size={15} />} text="Search the notebook" click={() => fromDrawer('search')} />}
          {notebook && <DrawerRow icon={<Package size={15} />} text="Packages" click={() => fromDrawer('packages')} />}
          <FilesPanel notebook={notebook} />
          {notebook && <OutlinePanel notebook={notebook} />}
        </Dialog>
      )}
    </div>
  );
}

const labels = { files: 'Files', outline: 'Outline', search: 'Search', packages: 'Packages' } as const;

function panelOf(which: Panel, notebook: NotebookController | null, narrow: boolean): ReactNode {
  if (!notebook || which === 'files') return <FilesPanel notebook={notebook} />;
  if (which === 'search') return <SearchPanel notebook={notebook} covers={narrow} />;
  if (which === 'outline') return <OutlinePanel notebook={notebook} />;
  return <PackagesPanel notebook={notebook} />;
}

function DrawerRow(props: { icon: ReactNode; text: string; click: () => void }) {
  return (
    <button type="button" className="row" onClick={props.click}>
      {props.icon}
      <span className="row-name">{props.text}</span>
    </button>
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
