import { FileText, Folder, Lock, Plus } from 'lucide-react';
import { useEffect, useState } from 'react';
import { ago, bytes } from '../../ui/words';
import { useServices } from '../context';
import { routeOf } from '../route';
import { again } from './again';
import type { Entry } from './api';
import { More, MOST } from './More';
import { freeName } from './tree';

/** A folder as the main view: what one sees before a notebook is open. */
export function Home({ folder }: { folder: string }) {
  const { connection, files, go, now, toasts } = useServices();
  const [entries, setEntries] = useState<readonly Entry[] | null>(null);
  const [error, setError] = useState('');
  const [most, setMost] = useState(MOST);
  useEffect(() => {
    let live = true;
    const look = () =>
      void files.list(folder).then(
        (list) => live && (setEntries(list), setError('')),
        (e: unknown) => live && setError(e instanceof Error ? e.message : String(e)),
      );
    look();
    const off = files.onChange(look);
    const end = again(connection, look);
    return () => {
      live = false;
      off();
      end();
    };
  }, [connection, files, folder]);
  const create = () => {
    const path = freeName(entries ?? [], folder, 'Untitled.ipynb');
    files.create(path).then(
      () => go({ kind: 'notebook', path }),
      (e: unknown) => toasts.show(e instanceof Error ? e.message : String(e), { level: 'error' }),
    );
  };
  return (
    <div className="column home">
      <div className="home-head">
        <h2>{folder || 'All files'}</h2>
        <button type="button" className="btn btn-primary" onClick={create}>
          <Plus size={14} /> New notebook
        </button>
      </div>
      {error !== '' && <p className="panel-error">{error}</p>}
      {entries?.length === 0 && <p className="muted">This folder is empty. Make a notebook, or drop files into the panel on the left.</p>}
      <ul className="home-list">
        {entries?.slice(0, most).map((entry) => (
          <li key={entry.path}>
            <button type="button" className="home-row" onClick={() => go(entry.kind === 'folder' ? { kind: 'home', folder: entry.path } : routeOf(entry.path))}>
              {entry.kind === 'folder' ? <Folder size={16} /> : <FileText size={16} />}
              <span className="grow home-name">{entry.name}</span>
              {entry.readOnly && <Lock size={13} role="img" aria-label="Read-only" />}
              {entry.running !== 'no' && <span className={entry.running === 'running' ? 'home-busy' : 'muted'}>{entry.running}</span>}
              <span className="home-size muted">{entry.kind === 'folder' ? '' : bytes(entry.size)}</span>
              <span className="home-when muted">{entry.modified > 0 ? ago(entry.modified, now()) : ''}</span>
            </button>
          </li>
        ))}
      </ul>
      {entries && <More of={entries.length} most={most} show={setMost} />}
    </div>
  );
}
