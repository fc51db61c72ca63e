/** What of finding is there from the beginning: a field that takes what is typed until the rest is fetched. */
import { lazy, Suspense, useEffect } from 'react';
import { whenIdle } from '../../ui/idle';
import { useSelected, useSignal } from '../../ui/useSignal';
import { useServices } from '../context';
import { fetchAhead, loadLater } from '../loadLater';
import type { NotebookController } from '../notebook/controller';
import type { Find } from './query';

/** ms that the notebook is shown, and its line live. */
const LATER_MS = 3_000;

const Bar = lazy(async () => ({ default: (await loadLater()).FindBar }));
const Panel = lazy(async () => ({ default: (await loadLater()).SearchPanel }));

/** Find, and replace on demand, over all cells. */
export function FindBar({ notebook }: { notebook: NotebookController }) {
  const { find } = notebook;
  const { connection } = useServices();
  const live = useSelected(connection.line, (line) => line.kind === 'live');
  useEffect(() => {
    if (!live) return undefined; // without a server, or a login, nothing is to be had
    let stop = () => {};
    const timer = setTimeout(() => (stop = whenIdle(fetchAhead)), LATER_MS);
    return () => {
      clearTimeout(timer);
      stop();
    };
  }, [live]);
  if (useSignal(find.shown) !== 'bar') return null;
  return (
    <section className="find" role="search" aria-label="Find in the notebook">
      <Suspense fallback={<Early find={find} />}>
        <Bar notebook={notebook} />
      </Suspense>
    </section>
  );
}

/** All that was found, in a list. `covers`: the cells cannot be seen beside it. */
export function SearchPanel({ notebook, covers }: { notebook: NotebookController; covers: boolean }) {
  return (
    <Suspense fallback={<Early find={notebook.find} />}>
      <Panel notebook={notebook} covers={covers} />
    </Suspense>
  );
}

function Early({ find }: { find: Find }) {
  const query = useSignal(find.query);
  const type = (text: string) => {
    find.early = true;
    find.query.set({ ...query, text });
  };
  return <input className="field find-early" aria-label="Find" autoFocus value={query.text} onChange={(e) => type(e.target.value)} onKeyDown={(e) => e.key === 'Escape' && find.close()} />;
}
