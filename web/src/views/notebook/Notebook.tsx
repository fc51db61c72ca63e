import { startTransition, useEffect, useLayoutEffect, useMemo, useRef, useState } from 'react';
import { loadGrammar } from '../../editor/highlight';
import type { NotebookStore } from '../../notebook/store';
import type { Gone as GoneFrame } from '../../protocol/types';
import { Surroundings, type OutputSurroundings } from '../../outputs';
import { fetchLater } from '../../ui/fetched';
import { afterFrame } from '../../ui/frame';
import { whenIdle } from '../../ui/idle';
import { tabText } from '../../ui/local';
import { useSignal } from '../../ui/useSignal';
import { useServices } from '../context';
import { FindBar } from '../find/load';
import { TextFile } from '../loadLater';
import { Cell } from './Cell';
import { loadEditor } from './Live';
import { NotebookContext } from './context';
import type { NotebookController } from './controller';
import { DeletedAsks } from './DeletedAsks';
import { headingOfHash, headingsOf } from './headings';
import { Pager } from './Pager';
import { Rejected } from './Rejected';

const FIRST = 10;
/** Further cells are drawn in slices of about so many ms, in which React gives way to a key press; so many cells in each. */
const SLICE = 24;
const FEWEST = 12;
const MOST = 60;
/** ms after the page is made: the editor is read, unless a click asks for it before; the further cells wait for it, not longer than this. */
const EDITOR_AFTER = 300;
const EDITOR_LATE = 1_000;

/** The column of cells. The first screens are drawn at once, the rest in the browser's free moments; all of them stay in the page. */
export function Notebook({ notebook }: { notebook: NotebookController }) {
  const { store } = notebook;
  const { settings } = useServices();
  const ids = useSignal(store.cellIds);
  const ready = useSignal(store.ready);
  const width = useSignal(settings.width);
  const beside = useSignal(settings.outputs) === 'beside';
  const drawn = useGrowing(ids.length);
  const surroundings = useMemo<OutputSurroundings>(
    () => ({
      notebook: () => store.path,
      jumpToCount: (n) => {
        const id = store.cellIds.get().find((c) => store.cell(c)?.executionCount.get() === n);
        if (id !== undefined) notebook.cursor.jump(id);
        return id !== undefined;
      },
      leaveFrame: () => notebook.cursor.refocus(),
      widgets: store,
    }),
    [notebook, store],
  );
  useEffect(() => {
    const touch = (e: Event) => notebook.presence.touch(e.timeStamp);
    const kinds = ['keydown', 'pointerdown'] as const;
    for (const kind of kinds) addEventListener(kind, touch, true);
    return () => kinds.forEach((kind) => removeEventListener(kind, touch, true));
  }, [notebook]);
  const focused = useRef(false);
  useEffect(() => {
    if (focused.current || ids.length === 0) return;
    // The focus wants to know where everything is: that is for after the first frame.
    return afterFrame(() => {
      focused.current = true;
      // Colours are seen before anyone types.
      void loadGrammar('python').then(fetchLater);
      startAt(notebook, store);
    });
  }, [ids.length, notebook, store]);
  const whole = ready.kind === 'ready';
  const [place] = useState(() => tabText.get(`place.${store.path}`));
  useEffect(() => (whole ? afterFrame(() => goToPlace(notebook, store, place)) : undefined), [whole, notebook, store, place]);
  useEffect(() => {
    if (!whole) return;
    return notebook.cursor.selection.subscribe(() => tabText.set(`place.${store.path}`, notebook.cursor.active ?? ''));
  }, [whole, notebook, store]);
  if (ready.kind === 'gone') return <Gone gone={ready.gone} path={store.path} />;
  return (
    <NotebookContext.Provider value={notebook}>
      <Surroundings.Provider value={surroundings}>
        <div className={`column ${width}${beside ? ' beside' : ''}`} aria-busy={ready.kind === 'loading'}>
          {ids.length === 0 && ready.kind === 'loading' && <Opening path={store.path} />}
          {ids.slice(0, drawn).map((id, i) => {
            const cell = store.cell(id);
            return cell ? <Cell key={id} cell={cell} index={i} last={i === ids.length - 1} /> : null;
          })}
          {ids.length === 0 && ready.kind === 'ready' && (
            <FirstCell add={() => notebook.insertAt(0, 'code', '', 'edit')} />
          )}
          <Rejected store={store} />
          <div className="column-end" />
        </div>
        <div className="docked">
          <DeletedAsks />
          <Pager store={store} />
        </div>
        <FindBar notebook={notebook} />
      </Surroundings.Provider>
    </NotebookContext.Provider>
  );
}

/** Stands where a notebook has no cells: opening one changes nothing. Enter adds a cell and goes into it. */
function FirstCell({ add }: { add: () => void }) {
  const button = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    if (document.activeElement === document.body) button.current?.focus();
  }, []);
  return (
    <button ref={button} type="button" className="btn btn-line first-cell" onClick={add}>
      Add the first cell
    </button>
  );
}

/** An empty notebook is ready to be typed in; any other begins in command mode. */
function startAt(notebook: NotebookController, store: NotebookStore): void {
  const ids = store.cellIds.get();
  const [first] = ids;
  if (first === undefined) return;
  const at = document.activeElement;
  if (at && at !== document.body && at.closest('dialog, input, textarea, .cell')) return;
  const empty = ids.length === 1 && store.cell(first)?.doc.text === '' && store.cell(first)?.type.get() === 'code';
  notebook.cursor.focus(first, empty ? 'edit' : 'command');
}

/** To the cell where this tab was before a reload, else to the heading that the address ends in, unless the person is somewhere already. */
function goToPlace(notebook: NotebookController, store: NotebookStore, place: string): void {
  if (!notebook.presence.waits || store.prompts.get().length > 0) return;
  const before = store.cellIds.get().find((id) => id === place);
  if (before !== undefined) return notebook.cursor.focus(before);
  if (location.hash === '') return;
  const headings = store.cellIds.get().flatMap((id) => (store.cell(id)?.type.get() === 'markdown' ? headingsOf(id, store.cell(id)?.source.get() ?? '') : []));
  const heading = headingOfHash(headings, location.hash);
  if (heading) notebook.cursor.jump(heading.id);
}

/** False while the page is the person's who begins with the first cells at once; then the editor is there, or late. */
function useBegun(): boolean {
  const [begun, setBegun] = useState(false);
  useEffect(() => {
    const timers = [setTimeout(() => void loadEditor().then(() => setBegun(true)), EDITOR_AFTER), setTimeout(() => setBegun(true), EDITOR_LATE)];
    return () => timers.forEach(clearTimeout);
  }, []);
  return begun;
}

/** How many cells are drawn: more in each idle moment, as many at a time as fit into a slice. */
function useGrowing(total: number): number {
  const begun = useBegun();
  const [drawn, setDrawn] = useState(FIRST);
  const pace = useRef({ step: FEWEST, began: 0 });
  useLayoutEffect(() => {
    const p = pace.current;
    if (p.began === 0) return;
    const could = (p.step * SLICE) / Math.max(performance.now() - p.began, 1);
    p.step = Math.round(Math.min(Math.max(could, FEWEST), p.step * 2, MOST));
    p.began = 0;
  }, [drawn]);
  useEffect(() => {
    if (!begun || drawn >= total) return;
    return whenIdle(() => {
      pace.current.began = performance.now();
      startTransition(() => setDrawn(drawn + pace.current.step));
    });
  }, [begun, drawn, total]);
  return drawn;
}

/** Said only when it takes long. */
function Opening({ path }: { path: string }) {
  const [late, setLate] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setLate(true), 400);
    return () => clearTimeout(timer);
  }, []);
  return late ? <p className="opening muted">Opening {path}…</p> : null;
}

/** It is not there, or is no notebook: then its text is shown. */
function Gone({ gone, path }: { gone: GoneFrame; path: string }) {
  const { go } = useServices();
  const there = gone.code !== 'not_found';
  return (
    <>
      <div className="column full">
        <div className="gone">
          <h1>{path}</h1>
          <p>
            {gone.reason ? gone.reason.replace(/\.?$/, '.') : 'This notebook is not there any more.'}
            {there && ' The file is shown as it is and is not changed.'}
          </p>
          <button type="button" className="btn btn-line" onClick={() => go({ kind: 'home', folder: '' })}>
            All files
          </button>
        </div>
      </div>
      {there && <TextFile path={path} bare />}
    </>
  );
}
