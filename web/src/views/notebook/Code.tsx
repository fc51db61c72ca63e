import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from 'react';
import { flushSync } from 'react-dom';
import { highlight, loadGrammar } from '../../editor/highlight';
import type { EditorHandle } from '../../editor';
import { coloured } from '../../outputs';
import type { CellStore } from '../../notebook/store';
import { afterFrame } from '../../ui/frame';
import { fetched } from '../../ui/fetched';
import { useSelected, useSignal } from '../../ui/useSignal';
import { useServices } from '../context';
import { mark, rangeOf } from '../find/marks';
import type { CellMatches } from '../find/query';
import { useNotebook } from './context';
import { Early, type SourceField } from './Early';
import { near, EditorPool } from './stages';

const pool = new EditorPool();
const DWELL_MS = 50;
/** Room above and below what was jumped to. */
const MARGIN = 60;

export interface SourceHandle {
  edit(where: 'start' | 'end' | 'keep'): void;
  caret(): { anchor: number; head: number } | null;
  help(): void;
  reveal(from: number, to: number): void;
}

/**
 * A cell's source in three stages: text at once, coloured near the viewport, a live editor when it is pointed at or edited. Each
 * has the same metrics, so nothing moves between them. Until the editor's code has come a plain field takes what is typed.
 */
export function Code(props: { cell: CellStore; language: string; label: string; placeholder?: string; handle: (h: SourceHandle | null) => void; alwaysLive?: boolean }) {
  const { cell, language, label, handle } = props;
  const notebook = useNotebook();
  const numbers = useNumbers(cell);
  const [live, setLive] = useState(props.alwaysLive === true);
  const editor = useRef<SourceField | null>(null);
  const text = useRef<HTMLPreElement>(null);
  const wanted = useRef<{ where: 'start' | 'end' | 'keep'; at?: number } | null>(null);
  const edit = useCallback((where: 'start' | 'end' | 'keep', at?: number) => {
    wanted.current = { where, at };
    if (!editor.current) flushSync(() => setLive(true));
    settle();
  }, []);
  const settle = () => {
    const want = wanted.current;
    if (!editor.current || !want) return;
    wanted.current = null;
    if (want.at !== undefined) editor.current.select(want.at);
    editor.current.focus(want.where);
  };
  useLayoutEffect(() => {
    handle({
      edit,
      caret: () => editor.current?.selection() ?? null,
      help: () => editor.current?.help?.(),
      reveal: (from, to) => (editor.current ? editor.current.select(from, to) : text.current && revealRange(text.current, from, to)),
    });
    return () => handle(null);
  }, [handle, edit]);
  const click = (at: number) => {
    notebook.cursor.focus(cell.id, 'command');
    notebook.cursor.mode.set('edit');
    edit('keep', at);
  };
  if (live) {
    return (
      <Live
        cell={cell}
        language={language}
        label={label}
        placeholder={props.placeholder}
        numbers={numbers}
        made={(e) => {
          editor.current = e;
          settle();
        }}
        gone={() => {
          editor.current = null;
          setLive(false);
        }}
      />
    );
  }
  return <Static el={text} cell={cell} language={language} placeholder={props.placeholder} numbers={numbers} warm={() => setLive(true)} edit={click} />;
}

function Static(props: { el: React.RefObject<HTMLPreElement | null>; cell: CellStore; language: string; placeholder?: string; numbers: boolean; warm: () => void; edit: (at: number) => void }) {
  const { cell, language } = props;
  const source = useSignal(cell.source);
  const active = useSelected(useNotebook().cursor.selection, (s) => s.active === cell.id);
  const ref = props.el;
  const dwell = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const [withColours, setWithColours] = useState(false);
  useEffect(() => {
    const el = ref.current;
    if (!el) return;
    let live = true;
    const colour = () => void loadGrammar(language).then(() => live && setWithColours(true)).catch(() => undefined);
    const off = active ? afterFrame(colour) : near(el, colour);
    return () => {
      live = false;
      off();
      clearTimeout(dwell.current);
    };
  }, [language, active]);
  const found = useFound(cell.id);
  useEffect(() => (ref.current ? mark(ref.current, found.matches, found.current) : undefined), [ref, found, source, withColours, props.numbers]);
  const lines = useMemo(() => (withColours ? highlight(source, language) : props.numbers ? source.split('\n').map((text) => [{ text, className: '' }]) : null), [withColours, source, language, props.numbers]);
  return (
    <pre
      ref={ref}
      className={`code code-static${props.numbers ? ' numbered' : ''}`}
      style={props.numbers ? numberWidth(lines?.length ?? 1) : undefined}
      onPointerEnter={(e) => {
        if (e.pointerType === 'mouse') dwell.current = setTimeout(props.warm, DWELL_MS);
      }}
      onPointerLeave={() => clearTimeout(dwell.current)}
      // What is pressed stays until it is released: else there is no click.
      onPointerDown={() => clearTimeout(dwell.current)}
      onClick={(e) => {
        if (getSelection()?.isCollapsed !== false) props.edit(offsetAt(e.currentTarget, e.clientX, e.clientY));
      }}
    >
      {lines === null
        ? source
        : lines.map((line, i) => (
            <span key={i} data-n={i + 1}>
              {line.map((span, j) => (span.className ? <span key={j} className={span.className}>{span.text}</span> : span.text))}
              {i < lines.length - 1 ? '\n' : ''}
            </span>
          ))}
      {source === '' && (props.placeholder ? <span className="placeholder">{props.placeholder}</span> : '\u200b')}
    </pre>
  );
}

/** Whether a cell has line numbers: all have them or none, but those for which it was asked otherwise. */
function useNumbers(cell: CellStore): boolean {
  const { settings } = useServices();
  const own = useSelected(useNotebook().lineNumbers, (set) => set.has(cell.id));
  return own !== (useSignal(settings.lineNumbers) === 'on');
}

/** As wide as the live editor's numbers. */
function numberWidth(lines: number): React.CSSProperties & Record<'--numbers', string> {
  return { '--numbers': `max(24px, calc(${String(lines).length}ch + 10px))` };
}

/** What find has found in a cell. */
function useFound(id: CellStore['id']): CellMatches {
  const { find } = useNotebook();
  return useSelected(find.found, () => find.of(id), (a, b) => a === b || (a.matches.length === 0 && b.matches.length === 0));
}

function revealRange(el: Element, from: number, to: number): void {
  const place = rangeOf(el, { from, to })?.getBoundingClientRect();
  const scroller = el.closest('.main');
  const box = scroller?.getBoundingClientRect();
  if (!place || !scroller || !box) return;
  if (place.top < box.top + MARGIN || place.bottom > box.bottom - MARGIN) scroller.scrollTop += place.top - (box.top + box.bottom) / 2;
}

/** The offset in an element's text of a point on the screen. */
function offsetAt(el: HTMLElement, x: number, y: number): number {
  const range = document.caretRangeFromPoint?.(x, y);
  if (!range || !el.contains(range.startContainer)) return el.textContent?.length ?? 0;
  const before = document.createRange();
  before.selectNodeContents(el);
  before.setEnd(range.startContainer, range.startOffset);
  return before.toString().length;
}

function Live(props: { cell: CellStore; language: string; label: string; placeholder?: string; numbers: boolean; made: (e: SourceField) => void; gone: () => void }) {
  const { cell, language, label } = props;
  const notebook = useNotebook();
  const { connection } = useServices();
  const { numbers } = props;
  const parent = useRef<HTMLDivElement>(null);
  const editor = useRef<EditorHandle | null>(null);
  const field = useRef<HTMLTextAreaElement>(null);
  const shown = useRef<HTMLPreElement>(null);
  const [early, setEarly] = useState(loaded === null);
  const placeholder = props.placeholder;
  const { made, gone } = props;
  const focused = () => {
    notebook.cursor.select(cell.id);
    notebook.cursor.mode.set('edit');
  };
  useLayoutEffect(() => {
    let live = true;
    const mount = (module: typeof import('../../editor')) => {
      const el = parent.current;
      if (!live || !el) return;
      const { store } = notebook;
      const typed = document.activeElement === field.current ? field.current : null;
      el.hidden = false;
      const handle = module.mountEditor(el, cell, {
        ariaLabel: label,
        language,
        lineNumbers: numbers,
        placeholder,
        keys: [],
        onFocus: focused,
        onLeave: (direction) => notebook.cursor.leave(cell.id, direction),
        complete: async (code, cursor, signal) => {
          if (!connection.connected.get() || cell.type.get() !== 'code') return null;
          const r = await store.complete(cell.id, code, cursor, signal);
          return r.error ? null : { matches: r.matches, start: r.start, end: r.end };
        },
        inspect: async (code, cursor, signal) => {
          const r = await store.inspect(cell.id, code, cursor, 0, signal);
          const text = r.data['text/plain'];
          return r.error || typeof text !== 'string' || text === '' ? null : coloured(text);
        },
      });
      if (typed) {
        handle.select(typed.selectionStart, typed.selectionEnd);
        handle.focus();
      }
      editor.current = handle;
      setEarly(false);
      made(handle);
      pool.add(handle, el, () => {
        if (editor.current === handle) gone();
      });
    };
    if (loaded) mount(loaded);
    else void loadEditor().then(mount);
    return () => {
      live = false;
      if (editor.current) {
        pool.drop(editor.current);
        editor.current.destroy();
        editor.current = null;
      }
    };
  }, [cell]);
  useEffect(() => {
    const tell = () => {
      const e = editor.current;
      if (e && parent.current?.contains(document.activeElement)) notebook.cursor.caret.set(caretWords(cell.doc.text, e.selection().head));
    };
    document.addEventListener('selectionchange', tell);
    return () => document.removeEventListener('selectionchange', tell);
  }, [cell, notebook]);
  useEffect(() => editor.current?.setAriaLabel(label), [label]);
  useEffect(() => editor.current?.setLanguage(language), [language]);
  useEffect(() => editor.current?.setLineNumbers(numbers), [numbers]);
  const found = useFound(cell.id);
  useEffect(() => editor.current?.setMarks(found.matches, found.current), [found, early]);
  return (
    <>
      <div ref={parent} className="code code-live" hidden={early} />
      {early && (
        <Early cell={cell} label={label} field={field} style={numbers ? numberWidth(cell.doc.text.split('\n').length) : undefined} made={made} focused={focused}>
          <Static el={shown} cell={cell} language={language} placeholder={placeholder} numbers={numbers} warm={nothing} edit={nothing} />
        </Early>
      )}
    </>
  );
}

const nothing = () => {};

/** "Ln 2, Col 18". */
function caretWords(text: string, at: number): string {
  const before = text.slice(0, at);
  return `Ln ${before.split('\n').length}, Col ${at - before.lastIndexOf('\n')}`;
}

let loaded: typeof import('../../editor') | null = null;

/** The editor is a chunk of its own; it is fetched after the first paint. */
export const loadEditor = fetched(async () => (loaded = await import('../../editor')));
