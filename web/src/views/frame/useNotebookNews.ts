import { useEffect } from 'react';
import type { Toasts } from '../../ui/toasts';
import { useServices } from '../context';
import type { NotebookController } from '../notebook/controller';
import { tellOfRuns, type Ended } from './runNews';
import { titleOf } from './title';

/** A kernel that has not ended by then is offered to be killed. */
const STUCK_MS = 10_000;

/** Tells a person what happened: the tab's title, the live region, and messages of the server. */
export function useNotebookNews(notebook: NotebookController | null, path: string): void {
  const { toasts } = useServices();
  useEffect(() => {
    if (!notebook) {
      document.title = titleOf({ path, waiting: false, running: 0, queued: 0, ended: null });
      return;
    }
    const { store } = notebook;
    let ended: Ended = null;
    const put = () => {
      document.title = titleOf({ path: store.name.get(), waiting: store.prompts.get().length > 0, running: store.running.get().length, queued: store.queue.get().length, ended });
    };
    const offs = [
      store.prompts.subscribe(put),
      store.running.subscribe(put),
      store.queue.subscribe(put),
      store.name.subscribe(put),
      store.on('notice', (n) => void toasts.show(n.text, { level: n.level })),
      tellOfRuns(notebook, toasts, (how) => {
        ended = how;
        put();
      }),
      store.on('prompt_closed', (closed) => {
        if (!closed.mine && closed.how === 'answered') toasts.show('The question was answered in another tab.');
        if (closed.how === 'timeout') toasts.show('Nobody answered in time: the question was given up.', { level: 'warning' });
      }),
      store.prompts.subscribe(() => {
        const [prompt] = store.prompts.get();
        const place = prompt ? notebook.cursor.indexOf(prompt.cell_id) + 1 : 0;
        if (prompt) toasts.say(`${place > 0 ? `Cell ${place}` : 'A deleted cell'} waits for your answer. ${prompt.prompt}`);
      }),
    ];
    offs.push(offerForce(notebook, toasts));
    notebook.onSay((text, undo) => {
      const id = toasts.show(text, undo && { action: { label: 'Undo', run: undo } });
      return () => toasts.drop(id);
    });
    put();
    return () => {
      for (const off of offs) off();
    };
  }, [notebook, path, toasts]);
}

/** A restart or stop that takes long: the person may end the kernel by force. */
function offerForce(notebook: NotebookController, toasts: Toasts): () => void {
  const { store } = notebook;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let shown = 0;
  const look = () => {
    const { state } = store.kernel.get();
    const ending = state === 'restarting' || state === 'stopping';
    if (!ending) {
      clearTimeout(timer);
      timer = undefined;
      toasts.drop(shown);
      return;
    }
    timer ??= setTimeout(() => {
      const run = state === 'stopping' ? () => store.kernelStop({ force: true }) : () => store.kernelRestart({ force: true });
      shown = toasts.show('The kernel takes long to end.', { level: 'warning', action: { label: 'End it by force', run } });
    }, STUCK_MS);
  };
  const off = store.kernel.subscribe(look);
  look();
  return () => {
    clearTimeout(timer);
    off();
  };
}
