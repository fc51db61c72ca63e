import { useCallback } from 'react';
import { Dot } from '../../ui/Dot';
import { Ticking } from '../../ui/Elapsed';
import { useSelected, useSignal } from '../../ui/useSignal';
import { wholeDuration } from '../../ui/words';
import { useServices } from '../context';
import type { NotebookController } from '../notebook/controller';

/** At the foot: what runs and for how long, what waits, and where the keyboard is. */
export function StatusLine({ notebook }: { notebook: NotebookController | null }) {
  const { command } = useServices();
  return (
    <footer className="foot">
      {notebook && <RunningCell notebook={notebook} />}
      {notebook && <Queue notebook={notebook} />}
      <span className="grow" />
      {notebook && <Keyboard notebook={notebook} />}
      <button type="button" className="foot-link foot-keys" onClick={() => command('shortcuts')}>
        Shortcuts
      </button>
    </footer>
  );
}

function RunningCell({ notebook }: { notebook: NotebookController }) {
  const { store } = notebook;
  const { now } = useServices();
  const id = useSelected(store.running, (r) => r[0] ?? null);
  const place = useSelected(store.cellIds, (ids) => (id === null ? 0 : ids.indexOf(id) + 1));
  const total = useSelected(store.cellIds, (ids) => ids.length);
  const prompt = useSelected(store.prompts, (all) => all.find((p) => p.cell_id === id) ?? null);
  const words = useCallback(() => {
    const run = id === null ? null : store.cell(id)?.run.get();
    const since = prompt?.opened_at ?? (run && 'started_at' in run ? (run.started_at ?? 0) : 0);
    const time = since > 0 ? ` · ${wholeDuration(now() - since)}` : '';
    return `Cell ${place} of ${total}${prompt ? ' waits for you' : ''}${time}`;
  }, [store, id, place, total, prompt, now]);
  const unseen = useSelected(store.kernel, (k) => k.state === 'busy') && id === null;
  const asks = useSelected(store.prompts, (all) => all.length > 0);
  if (unseen) return <span className="foot-run">A deleted cell {asks ? 'waits for you' : 'runs'}</span>;
  if (id === null || place === 0) return null;
  return (
    <button type="button" className="foot-link foot-run" title="Go to the running cell" onClick={() => notebook.cursor.jump(id)}>
      <Dot kind="busy" />
      <Ticking text={words} />
    </button>
  );
}

function Queue({ notebook }: { notebook: NotebookController }) {
  const queued = useSelected(notebook.store.queue, (q) => q.length);
  const progress = useSelected(notebook.store.kernel, (k) => (k.state === 'starting' ? (k.progress ?? '') : ''));
  if (queued === 0) return null;
  return (
    <>
      <span>{queued} queued</span>
      {progress !== '' && (
        <span className="foot-progress" title={progress}>
          {progress}
        </span>
      )}
    </>
  );
}

function Keyboard({ notebook }: { notebook: NotebookController }) {
  const mode = useSignal(notebook.cursor.mode);
  const caret = useSignal(notebook.cursor.caret);
  const selected = useSelected(notebook.cursor.selection, (s) => s.all.size);
  const index = useSelected(notebook.cursor.selection, (s) => notebook.cursor.indexOf(s.active));
  const total = useSelected(notebook.store.cellIds, (ids) => ids.length);
  return (
    <>
      {mode === 'edit' && caret !== '' && <span className="foot-caret">{caret}</span>}
      {selected > 1 && <span>{selected} cells selected</span>}
      {index >= 0 && selected === 1 && <span className="foot-caret">{`Cell ${index + 1} of ${total}`}</span>}
      <span className="foot-mode" title={mode === 'edit' ? 'Keys go into the cell. Esc for command mode.' : 'Keys are commands. Enter to edit.'}>{mode === 'edit' ? 'Edit mode' : 'Command mode'}</span>
    </>
  );
}
