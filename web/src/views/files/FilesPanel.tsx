import { ChevronDown, ChevronRight, Ellipsis, File, FileText, Folder, Lock, Plus, Upload } from 'lucide-react';
import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { afterFrame } from '../../ui/frame';
import { MenuButton, type MenuEntry } from '../../ui/Menu';
import { signal } from '../../ui/signals';
import { useSelected, useSignal } from '../../ui/useSignal';
import { bytes, folderOf } from '../../ui/words';
import { useServices } from '../context';
import { routeOf } from '../route';
import type { Kernel } from '../../protocol/types';
import type { NotebookController } from '../notebook/controller';
import { again } from './again';
import { runningOf, type Entry, type Running } from './api';
import { More, MOST } from './More';
import { Renamer } from './Renamer';
import { FolderTree, freeName, renamedPath } from './tree';

/** The served folder as a tree: open, make, rename in place, delete (with a way back), upload by drop. */
export function FilesPanel({ notebook = null }: { notebook?: NotebookController | null }) {
  const services = useServices();
  const { connection, files, toasts, route, go } = services;
  const tree = useMemo(() => new FolderTree(files), [files]);
  const state = useSignal(tree.state);
  const now = useSignal(route);
  const open = now.kind === 'home' ? '' : now.path;
  const folder = now.kind === 'home' ? now.folder : folderOf(now.path);
  const running = useSelected(notebook?.store.kernel ?? NO_KERNEL, (k): Running | null => (k === null ? null : runningOf(k.state)));
  const [renaming, setRenaming] = useState('');
  const [dropping, setDropping] = useState<string | null>(null);
  const picker = useRef<HTMLInputElement>(null);
  useEffect(() => afterFrame(() => void tree.reveal(folder)), [tree, folder]);
  useEffect(() => {
    const end = again(connection, () => void tree.refresh());
    const off = files.onChange(() => void tree.refresh());
    return () => {
      off();
      end();
    };
  }, [connection, tree, files]);
  const failed = useCallback((why: string) => void (why && toasts.show(why, { level: 'error' })), [toasts]);
  const attempt = useCallback(
    (what: Promise<unknown>) => {
      void what.catch((e: unknown) => toasts.show(e instanceof Error ? e.message : String(e), { level: 'error' })).then(() => tree.refresh());
    },
    [toasts, tree],
  );
  const make = (kind: 'notebook' | 'folder', into: string) => {
    const path = freeName(state.folders.get(into) ?? [], into, kind === 'notebook' ? 'Untitled.ipynb' : 'New folder');
    const made = kind === 'notebook' ? files.create(path) : files.mkdir(path);
    attempt(
      made.then(async () => {
        await tree.reveal(into);
        if (kind === 'notebook') go({ kind: 'notebook', path });
        else setRenaming(path);
      }),
    );
  };
  const remove = (entry: Entry) =>
    attempt(
      files.remove(entry.path).then((trashed) => {
        toasts.show(`${entry.name} is in the trash.`, { action: { label: 'Undo', run: () => attempt(files.restore(trashed, entry.path)) } });
        if (open === entry.path || open.startsWith(`${entry.path}/`)) go({ kind: 'home', folder: folderOf(entry.path) });
      }),
    );
  const rename = (entry: Entry, name: string) => {
    setRenaming('');
    const to = renamedPath(entry.path, name);
    if (name === '' || to === entry.path) return;
    attempt(
      files.rename(entry.path, to).then(() => {
        if (open === entry.path && now.kind === 'file') go(routeOf(to)); // the page follows its notebook when that says so
      }),
    );
  };
  const upload = (list: FileList | null, into: string) => {
    for (const file of list ?? []) attempt(files.upload(into ? `${into}/${file.name}` : file.name, file).then(() => toasts.show(`${file.name} is uploaded.`)));
  };
  const menuOf = (entry: Entry): MenuEntry[] => [
    ...(entry.kind === 'folder'
      ? [
          { id: 'new', label: 'New notebook here', run: () => make('notebook', entry.path) },
          { id: 'newfolder', label: 'New folder here', run: () => make('folder', entry.path) },
        ]
      : [{ id: 'download', label: 'Download', run: () => downloadFile(entry) }]),
    { id: 'rename', label: 'Rename', run: () => setRenaming(entry.path) },
    'line' as const,
    { id: 'delete', label: 'Delete', danger: true, run: () => remove(entry) },
  ];
  return (
    <div
      className={`files${dropping !== null ? ' dropping' : ''}`}
      onDragOver={(e) => {
        if (!e.dataTransfer.types.includes('Files')) return;
        e.preventDefault();
        setDropping(folderUnder(e.target));
      }}
      onDragLeave={(e) => {
        if (e.currentTarget === e.target) setDropping(null);
      }}
      onDrop={(e) => {
        e.preventDefault();
        setDropping(null);
        upload(e.dataTransfer.files, folderUnder(e.target));
      }}
    >
      <header className="panel-head">
        <h2>Files</h2>
        <input ref={picker} type="file" multiple hidden onChange={(e) => upload(e.target.files, folder)} />
        <button type="button" className="btn btn-icon btn-small" aria-label="Upload files" title="Upload files (or drop them here)" onClick={() => picker.current?.click()}>
          <Upload size={14} />
        </button>
        <MenuButton
          label="New"
          className="btn btn-icon btn-small"
          width={180}
          entries={() => [
            { id: 'notebook', label: 'New notebook', run: () => make('notebook', folder) },
            { id: 'folder', label: 'New folder', run: () => make('folder', folder) },
          ]}
        >
          <Plus size={15} />
        </MenuButton>
      </header>
      {state.error !== '' && <p className="panel-empty panel-error">{state.error}</p>}
      <Level
        tree={tree}
        folder=""
        depth={0}
        open={open}
        running={running}
        renaming={renaming}
        dropping={dropping}
        menuOf={menuOf}
        rename={rename}
        startRename={setRenaming}
        failed={failed}
      />
      {state.loaded && (state.folders.get('')?.length ?? 0) === 0 && <p className="panel-empty">Nothing here yet. Make a notebook with +, or drop files.</p>}
    </div>
  );
}

function folderUnder(target: EventTarget): string {
  return (target instanceof Element && target.closest<HTMLElement>('[data-folder]')?.dataset.folder) || '';
}

function downloadFile(entry: Entry): void {
  const a = document.createElement('a');
  a.href = `/runnel/v1/file?path=${encodeURIComponent(entry.path)}&download=1`;
  a.download = entry.name;
  a.click();
}

const NO_KERNEL = signal<Kernel | null>(null);

interface LevelProps {
  readonly tree: FolderTree;
  readonly folder: string;
  readonly depth: number;
  readonly open: string;
  /** What the kernel of the open notebook does, as its page knows it; null without one. */
  readonly running: Running | null;
  readonly renaming: string;
  readonly dropping: string | null;
  readonly menuOf: (entry: Entry) => MenuEntry[];
  readonly rename: (entry: Entry, name: string) => void;
  readonly startRename: (path: string) => void;
  /** Shows why something was not done; '' for what was. */
  readonly failed: (why: string) => void;
}

function Level(props: LevelProps) {
  const { tree, folder, depth } = props;
  const state = useSignal(tree.state);
  const entries = state.folders.get(folder);
  const [most, setMost] = useState(MOST);
  if (!entries) return null;
  return (
    <ul className="rows" aria-label={folder === '' ? 'Files' : folder}>
      {entries.slice(0, most).map((entry) => (
        <li key={entry.path} data-folder={entry.kind === 'folder' ? entry.path : folder}>
          <Row {...props} entry={entry} expanded={state.expanded.has(entry.path)} />
          {entry.kind === 'folder' && state.expanded.has(entry.path) && <Level {...props} folder={entry.path} depth={depth + 1} />}
        </li>
      ))}
      {entries.length > most && (
        <li>
          <More of={entries.length} most={most} show={setMost} />
        </li>
      )}
    </ul>
  );
}

function Row(props: LevelProps & { entry: Entry; expanded: boolean }) {
  const { entry, expanded, depth, tree } = props;
  const { go } = useServices();
  const pad = { paddingLeft: 8 + depth * 16 };
  const icon = entry.kind === 'folder' ? <Folder size={15} /> : entry.kind === 'notebook' ? <FileText size={15} /> : <File size={15} />;
  if (props.renaming === entry.path) {
    return (
      <div className="row" style={pad}>
        {icon}
        <Renamer name={entry.name} done={(name) => props.rename(entry, name)} />
      </div>
    );
  }
  const act = () => (entry.kind === 'folder' ? void tree.toggle(entry.path).then(props.failed) : go(routeOf(entry.path)));
  const on = props.open === entry.path;
  const running = (on ? props.running : null) ?? entry.running;
  const note = running !== 'no' ? running : entry.kind === 'file' && entry.size > 0 ? bytes(entry.size) : '';
  return (
    <div className={`row-line${on ? ' on' : ''}${props.dropping === entry.path && entry.kind === 'folder' ? ' drop' : ''}`}>
      <button
        type="button"
        className="row"
        style={pad}
        aria-current={on ? 'page' : undefined}
        aria-expanded={entry.kind === 'folder' ? expanded : undefined}
        title={entry.path}
        onClick={act}
        onKeyDown={(e) => {
          if (e.key === 'F2') props.startRename(entry.path);
        }}
      >
        {entry.kind === 'folder' && (expanded ? <ChevronDown size={14} /> : <ChevronRight size={14} />)}
        {icon}
        <span className="row-name">{entry.name}</span>
        {entry.readOnly && <Lock size={12} className="row-lock" role="img" aria-label="Read-only" />}
        {note !== '' && <span className={`row-note${running === 'running' ? ' busy' : ''}`}>{note}</span>}
      </button>
      <MenuButton label={`Actions for ${entry.name}`} className="row-more" width={190} entries={() => props.menuOf(entry)}>
        <Ellipsis size={14} />
      </MenuButton>
    </div>
  );
}
