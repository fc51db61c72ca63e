import { ChevronRight, CircleStop, CornerDownLeft, Menu as MenuIcon, Play, RotateCw } from 'lucide-react';
import { useCallback, useState } from 'react';
import { Ticking } from '../../ui/Elapsed';
import { useSelected, useSignal } from '../../ui/useSignal';
import { ago, baseName, folderOf } from '../../ui/words';
import { useServices } from '../context';
import { Renamer } from '../files/Renamer';
import { renamedPath } from '../files/tree';
import { KernelChip } from '../kernel/KernelChip';
import type { CellId } from '../../protocol/types';
import { clashes, clashWords } from '../notebook/clash';
import type { NotebookController } from '../notebook/controller';
import { LineChip } from './LineChip';

/** Where one is, whether it is saved, how the line and the kernel are, and the four things one does to all of it. */
export function TopBar({ notebook, path, menu }: { notebook: NotebookController | null; path: string; menu: () => void }) {
  const { go } = useServices();
  return (
    <header className="top">
      <button type="button" className="btn btn-icon top-menu" aria-label="Files" onClick={menu}>
        <MenuIcon size={18} />
      </button>
      <button type="button" className="logo-button" aria-label="Runnel: all files" onClick={() => go({ kind: 'home', folder: '' })}>
        <Logo />
      </button>
      {notebook ? <NotebookCrumb notebook={notebook} /> : <Crumb path={path} />}
      <span className="grow" />
      {notebook && <PromptBadge notebook={notebook} />}
      <LineChip />
      {notebook && <NotebookActions notebook={notebook} />}
    </header>
  );
}

export function Logo() {
  return (
    <svg className="logo" viewBox="0 0 24 24" fill="none" stroke="currentColor" strokeWidth="2.4" strokeLinecap="round" aria-hidden="true">
      <path d="M3 7c3.5 0 3.5 3 7 3s3.5-3 7-3 2.6 1.4 4 2.2" />
      <path d="M3 13c3.5 0 3.5 3 7 3s3.5-3 7-3 2.6 1.4 4 2.2" opacity=".55" />
    </svg>
  );
}

function NotebookCrumb({ notebook }: { notebook: NotebookController }) {
  const path = useSignal(notebook.store.name);
  const gone = useSelected(notebook.store.ready, (r) => r.kind === 'gone');
  return (
    <>
      <Crumb path={path} renamed={gone ? undefined : () => notebook.cursor.refocus()} />
      {!gone && <SaveWords notebook={notebook} />}
    </>
  );
}

/** `renamed`: the name can be changed, and this follows. */
function Crumb({ path, renamed }: { path: string; renamed?: () => void }) {
  const { go } = useServices();
  const folder = folderOf(path);
  return (
    <nav className="crumb" aria-label="Place">
      {folder !== '' && (
        <span className="crumb-folder">
          <button type="button" className="crumb-link" onClick={() => go({ kind: 'home', folder })}>
            {folder}
          </button>
          <ChevronRight size={14} aria-hidden="true" />
        </span>
      )}
      <h1 className="crumb-name">{renamed ? <Name path={path} renamed={renamed} /> : baseName(path) || 'Runnel'}</h1>
    </nav>
  );
}

/** The notebook's name; a press makes it a field. */
function Name({ path, renamed }: { path: string; renamed: () => void }) {
  const { files, toasts } = useServices();
  const [writing, setWriting] = useState(false);
  const name = baseName(path);
  if (!writing) {
    return (
      <button type="button" className="crumb-rename" title="Rename" onClick={() => setWriting(true)}>
        {name}
      </button>
    );
  }
  const done = (to: string) => {
    setWriting(false);
    setTimeout(() => document.activeElement === document.body && renamed());
    const target = renamedPath(path, to);
    if (to === '' || target === path) return;
    // The page follows when its notebook says so.
    files.rename(path, target).catch((e: unknown) => void toasts.show(e instanceof Error ? e.message : String(e), { level: 'error' }));
  };
  return <Renamer name={name} done={done} />;
}

function SaveWords({ notebook }: { notebook: NotebookController }) {
  const { store } = notebook;
  const { now, connection } = useServices();
  const save = useSignal(store.saveState);
  const connected = useSignal(connection.connected);
  const waiting = useSelected(store.pending, (all) => all.filter((p) => !p.rejected).length);
  const savedWords = useCallback(() => (save.since > 0 ? `Saved ${ago(save.since, now())}` : 'Saved'), [save.since, now]);
  const lateWords = useCallback(() => (now() - save.since > 10_000 ? `Not saved for ${Math.floor((now() - save.since) / 1000)} s` : 'Saving…'), [save.since, now]);
  if (!connected && waiting > 0) return <span className="save save-warn">{waiting === 1 ? '1 change' : `${waiting} changes`} not sent yet</span>;
  if (save.read_only && save.state !== 'failed' && save.state !== 'clashed') {
    return <SaveTrouble level="warn" words="Read-only: changes cannot be saved" more={READ_ONLY} />;
  }
  switch (save.state) {
    case 'saved':
      return <Ticking text={savedWords} className="save" />;
    case 'unsaved':
    case 'saving':
      return <Ticking text={lateWords} className="save" />;
    case 'failed':
      return <SaveTrouble level="err" words={`Not saved: ${save.text || 'the file could not be written'}`} more={save.read_only ? READ_ONLY : save.text} />;
    case 'clashed':
      return <Clashed notebook={notebook} text={save.text || 'The file changed on disk too; both versions are kept.'} />;
  }
}

const READ_ONLY = 'The file may not be written. Change its permissions and those of its folder, if its disk is not read-only. Until then the server keeps what you change, and saves it as soon as it may.';

/** What keeps the file from being saved; a press says all of it, where the words have no room. */
function SaveTrouble({ level, words, more = words }: { level: 'warn' | 'err'; words: string; more?: string }) {
  const { toasts } = useServices();
  return (
    <span role="alert" className={`save save-${level}`} title={more}>
      <button type="button" className="link" onClick={() => toasts.show(more, { level: 'error' })}>
        {words}
      </button>
    </span>
  );
}

/** Leads to the cells of which there are two versions. */
function Clashed({ notebook, text }: { notebook: NotebookController; text: string }) {
  const open = useSelected(notebook.store.cellIds, (ids): readonly CellId[] => clashes(notebook.store, ids), (a, b) => a.length === b.length && a.every((id, i) => id === b[i]));
  const [first] = open;
  return (
    <span role="alert" className="save save-warn" title={text}>
      {first === undefined ? (
        text
      ) : (
        <button type="button" className="link" onClick={() => notebook.cursor.jump(first)}>
          {clashWords(notebook.store, open)}
        </button>
      )}
    </span>
  );
}

function PromptBadge({ notebook }: { notebook: NotebookController }) {
  const { store } = notebook;
  const prompt = useSelected(store.prompts, (all) => all[0] ?? null);
  const place = useSelected(store.cellIds, (ids) => (prompt ? ids.indexOf(prompt.cell_id) + 1 : 0));
  if (!prompt) return null;
  return (
    <button type="button" className="badge" onClick={() => notebook.cursor.toPrompt()}>
      <CornerDownLeft size={14} />
      <span>
        {place > 0 ? `Cell ${place}` : <>A <span className="badge-long">deleted </span>cell</>} waits<span className="badge-long"> for your answer</span>
      </span>
    </button>
  );
}

function NotebookActions({ notebook }: { notebook: NotebookController }) {
  const { command } = useServices();
  const { store } = notebook;
  const runs = useSelected(store.running, (r) => r.length > 0);
  const asked = useSelected(store.prompts, (all) => all.length > 0);
  const waits = useSelected(store.queue, (q) => q.length > 0);
  const busy = useSelected(store.kernel, (k) => k.state === 'busy') || runs || waits || asked;
  const gone = useSelected(store.ready, (r) => r.kind === 'gone');
  if (gone) return null;
  return (
    <div className="top-actions">
      <KernelChip store={store} />
      <button type="button" className="btn btn-icon btn-line" aria-label="Interrupt" title="Interrupt (I I)" aria-disabled={!busy} onClick={() => busy && command('interrupt')}>
        <CircleStop size={16} />
      </button>
      <button type="button" className="btn btn-icon btn-line top-restart" aria-label="Restart the kernel" title="Restart the kernel (0 0)" onClick={() => command('restart')}>
        <RotateCw size={16} />
      </button>
      <button type="button" className="btn btn-primary" title="Run all cells" onClick={() => command('run-all')}>
        <Play size={14} /> <span className="btn-text">Run all</span>
      </button>
    </div>
  );
}
