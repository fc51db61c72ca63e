/** What a person is told of runs that end: in the live region, in the tab's title, and in a message where the fault is not seen. */
import type { CellId } from '../../protocol/types';
import type { Toasts } from '../../ui/toasts';
import { Batch, faultWords, type RunEnd } from '../notebook/batch';
import type { NotebookController } from '../notebook/controller';
import { announcement } from '../notebook/runWords';

const LONG_MS = 5000;

/** How a long run ended while the tab was hidden; null from when somebody looks, or something runs again. */
export type Ended = 'ok' | 'error' | null;

/** Gives what ends it. */
export function tellOfRuns(notebook: NotebookController, toasts: Toasts, title: (ended: Ended) => void): () => void {
  const { store } = notebook;
  const batch = new Batch<CellId>();
  let late: (() => void) | null = null;
  const look = () => {
    if (store.running.get().length > 0 || store.queue.get().length > 0) return;
    const end = batch.take();
    if (!end) return;
    if (document.hidden && end.ms > LONG_MS) title(end.fault ? 'error' : 'ok');
    const { fault } = end;
    if (!fault) return;
    const tell = () => tellOfFault(notebook, toasts, fault, end.notRun);
    if (document.hidden) late = tell;
    else tell();
  };
  const onVisible = () => {
    if (document.hidden) return;
    title(null);
    late?.();
    late = null;
  };
  document.addEventListener('visibilitychange', onVisible);
  const offs = [
    () => document.removeEventListener('visibilitychange', onVisible),
    store.running.subscribe(() => {
      if (store.running.get().length > 0) title(null);
    }),
    store.on('run_done', (done) => {
      const run = store.cell(done.cell_id)?.run.get();
      const startedAt = (run && 'started_at' in run && run.started_at) || 0;
      if (done.status !== 'cancelled') toasts.say(announcement(notebook.cursor.indexOf(done.cell_id) + 1, done.status, startedAt > 0 ? done.at - startedAt : 0, done.ename));
      batch.add({ cell: done.cell_id, status: done.status, ename: done.ename, startedAt, at: done.at });
      // Those that are not run because of it are told of in the same moment.
      setTimeout(look);
    }),
  ];
  return () => offs.forEach((off) => off());
}

/** Who does not see the cell is led to it. */
function tellOfFault(notebook: NotebookController, toasts: Toasts, fault: RunEnd<CellId>, notRun: number): void {
  const place = notebook.cursor.indexOf(fault.cell) + 1;
  if (place === 0) return;
  const text = faultWords(place, fault, notRun);
  if (isSeen(document.querySelector(`[data-cell="${CSS.escape(fault.cell)}"] .outputs`))) toasts.say(text);
  else toasts.show(text, { level: 'error', action: { label: 'Go there', run: () => notebook.cursor.jump(fault.cell) } });
}

function isSeen(el: Element | null): boolean {
  const view = el?.closest('.main')?.getBoundingClientRect();
  const box = el?.getBoundingClientRect();
  return view !== undefined && box !== undefined && box.top < view.bottom - 24 && box.bottom > view.top + 24;
}
