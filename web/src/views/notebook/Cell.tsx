import { memo, useCallback, useLayoutEffect, useRef, useState } from 'react';
import type { CellStore } from '../../notebook/store';
import { flowing } from '../../ui/motion';
import { scrollToSee } from '../../ui/scroll';
import { useSelected, useSignal } from '../../ui/useSignal';
import { CellTools, InsertBar } from './CellTools';
import { Clash, Deleted, KeptText, keptOf } from './ClashView';
import { clashOf, deletedOn } from './clash';
import { Code, type SourceHandle } from './Code';
import { useNotebook } from './context';
import { DragHandle, Gutter, Meta } from './Gutter';
import { MarkdownBody } from './MarkdownBody';
import { Outputs } from './Outputs';
import { stateWords } from './runWords';

const KINDS = { code: 'code', markdown: 'text', raw: 'raw' } as const;

/** One cell: gutter, source, outputs, tools. It watches its own signals only. */
export const Cell = memo(function Cell({ cell, index, last }: { cell: CellStore; index: number; last: boolean }) {
  const notebook = useNotebook();
  const { id } = cell;
  const el = useRef<HTMLDivElement>(null);
  const source = useRef<SourceHandle | null>(null);
  const setSource = useCallback((h: SourceHandle | null) => {
    source.current = h;
  }, []);
  const type = useSignal(cell.type);
  const run = useSignal(cell.run);
  const selected = useSelected(notebook.cursor.selection, (s) => s.all.has(id));
  const active = useSelected(notebook.cursor.selection, (s) => s.active === id);
  const editing = useSelected(notebook.cursor.mode, (m) => m === 'edit') && active;
  const hidden = useSelected(notebook.sections.hidden, (h) => h.has(id));
  const clashing = useClashing(cell);
  const deleted = useSelected(cell.metadata, deletedOn);
  const kept = useSelected(notebook.store.pending, (all) => keptOf(all, id), (a, b) => a.length === b.length && a.every((p, i) => p.cmd_id === b[i]?.cmd_id));
  const [hot, setHot] = useState(false);
  useLayoutEffect(
    () =>
      notebook.cursor.register(id, {
        focus: (scroll) => {
          const target = el.current;
          if (!target) return;
          if (document.activeElement !== target) target.focus({ preventScroll: true });
          if (scroll) intoView(target);
        },
        edit: (where) => {
          if (source.current) source.current.edit(where);
          else requestAnimationFrame(() => source.current?.edit(where));
        },
        caret: () => source.current?.caret() ?? null,
        help: () => source.current?.help(),
        reveal: (from, to) => {
          if (el.current) intoView(el.current);
          source.current?.reveal(from, to);
        },
        flash: () => {
          el.current?.classList.remove('flash');
          void el.current?.offsetWidth;
          el.current?.classList.add('flash');
        },
      }),
    [notebook, id],
  );
  const state = run?.state ?? 'none';
  const classes = ['cell', `cell-${type}`, `is-${state}`, selected && 'selected', active && 'active', editing && 'editing', run?.state === 'done' && `ended-${run.status}`];
  const label = `Cell ${index + 1}, ${KINDS[type]}${type === 'code' ? stateWords(run) : ''}`;
  return (
    <div
      ref={el}
      className={classes.filter(Boolean).join(' ')}
      data-cell={id}
      role="group"
      aria-label={label}
      tabIndex={active ? 0 : -1}
      hidden={hidden}
      onPointerEnter={() => setHot(true)}
      onPointerLeave={() => setHot(false)}
      onFocus={(e) => onCellFocus(e, notebook, id)}
      onMouseDown={(e) => onCellMouseDown(e, notebook, id, el.current)}
    >
      <Gutter cell={cell} type={type} run={run} index={index} />
      {(hot || active) && <DragHandle cell={cell} />}
      <div className="cell-body">
        {(hot || active) && <CellTools cell={cell} type={type} index={index} last={last} />}
        {clashing ? (
          <Clash cell={cell} mine={clashing} />
        ) : type === 'code' ? (
          <CodeBody cell={cell} index={index} handle={setSource} />
        ) : (
          <MarkdownBody cell={cell} type={type} index={index} handle={setSource} />
        )}
        {deleted !== '' && <Deleted cell={cell} side={deleted} />}
        {kept.map((p) => (
          <KeptText key={p.cmd_id} kept={p} cell={cell} />
        ))}
      </div>
      {(hot || active) && <InsertBar index={index + 1} />}
    </div>
  );
});

/** The cell whose other version this one is, when that is here. */
function useClashing(cell: CellStore): CellStore | null {
  const { store } = useNotebook();
  const of = useSelected(cell.metadata, clashOf);
  return useSelected(store.cellIds, (ids) => {
    const id = of === '' ? undefined : ids.find((other) => other === of && other !== cell.id);
    return id === undefined ? null : (store.cell(id) ?? null);
  });
}

function onCellFocus(e: React.FocusEvent, notebook: ReturnType<typeof useNotebook>, id: CellStore['id']): void {
  const target = e.target;
  if (!(target instanceof HTMLElement)) return;
  if (!notebook.cursor.selection.get().all.has(id)) notebook.cursor.select(id);
  if (!target.closest('.cm-editor, .code-early')) notebook.cursor.mode.set('command');
}

function onCellMouseDown(e: React.MouseEvent, notebook: ReturnType<typeof useNotebook>, id: CellStore['id'], el: HTMLElement | null): void {
  const target = e.target;
  if (!(target instanceof Element)) return;
  const takes = target.closest('button, a, input, textarea, select, summary, .cm-editor, .code-static, [tabindex="0"]');
  if (e.shiftKey && !target.closest('.cm-editor, .code-early, input')) {
    e.preventDefault();
    notebook.cursor.extendTo(id);
    return;
  }
  notebook.cursor.select(id);
  if (takes && takes !== el) return;
  notebook.cursor.mode.set('command');
  if (document.activeElement !== el) el?.focus({ preventScroll: true });
}

function intoView(el: HTMLElement): void {
  const scroller = el.closest('.main');
  if (scroller) scroller.scrollTop += scrollToSee(scroller.getBoundingClientRect(), el.getBoundingClientRect());
}

function CodeBody({ cell, index, handle }: { cell: CellStore; index: number; handle: (h: SourceHandle | null) => void }) {
  const notebook = useNotebook();
  const language = useSelected(notebook.store.kernel, (k) => k.language || 'python');
  const running = useSelected(cell.run, (run) => run?.state === 'running');
  return (
    <div className="box">
      {running && <span ref={flowing} className="run-edge" />}
      <Meta cell={cell} />
      <Code cell={cell} language={language} label={`Cell ${index + 1}, code`} handle={handle} placeholder={index === 0 ? 'Write code. Shift Enter runs it.' : undefined} />
      <Outputs cell={cell} />
    </div>
  );
}
