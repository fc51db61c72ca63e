import { useEffect, useLayoutEffect, useRef, useState } from 'react';
import type { EditorHandle, EditorOptions } from '../../editor';
import type { CellStore, NotebookStore } from '../../notebook/store';
import { coloured } from '../../outputs';
import { fetched } from '../../ui/fetched';
import { useServices } from '../context';
import { useNotebook } from './context';
import { Early, type SourceField } from './Early';
import { EditorPool } from './stages';
import { numberWidth, Static, useFound } from './Static';

const pool = new EditorPool();

let loaded: typeof import('../../editor') | null = null;

/** The editor is a chunk of its own; it is fetched after the first paint. */
export const loadEditor = fetched(async () => (loaded = await import('../../editor')));

/** A cell's source in the live editor. `made` is given what can be told to it, again when the editor's code has come; `gone`: the editor was closed. */
export function Live(props: { cell: CellStore; language: string; label: string; placeholder?: string; numbers: boolean; made: (e: SourceField) => void; gone: () => void }) {
  const { cell, language, label, placeholder, numbers, made, gone } = props;
  const notebook = useNotebook();
  const { connection } = useServices();
  const parent = useRef<HTMLDivElement>(null);
  const editor = useRef<EditorHandle | null>(null);
  const field = useRef<HTMLTextAreaElement>(null);
  const shown = useRef<HTMLPreElement>(null);
  const [early, setEarly] = useState(loaded === null);
  const focused = () => {
    notebook.cursor.select(cell.id);
    notebook.cursor.mode.set('edit');
  };
  useLayoutEffect(() => {
    let live = true;
    const mount = ({ mountEditor }: typeof import('../../editor')) => {
      const el = parent.current;
      if (!live || !el) return;
      const typed = document.activeElement === field.current ? field.current : null;
      el.hidden = false;
      const handle = mountEditor(el, cell, {
        ariaLabel: label,
        language,
        lineNumbers: numbers,
        placeholder,
        keys: [],
        onFocus: focused,
        onLeave: (direction) => notebook.cursor.leave(cell.id, direction),
        ...helpFrom(notebook.store, cell, () => connection.connected.get()),
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

/** What the kernel knows about the code. */
function helpFrom(store: NotebookStore, cell: CellStore, connected: () => boolean): Pick<EditorOptions, 'complete' | 'inspect'> {
  return {
    complete: async (code, cursor, signal) => {
      if (!connected() || cell.type.get() !== 'code') return null;
      const r = await store.complete(cell.id, code, cursor, signal);
      return r.error ? null : { matches: r.matches, start: r.start, end: r.end };
    },
    inspect: async (code, cursor, signal) => {
      const r = await store.inspect(cell.id, code, cursor, 0, signal);
      const text = r.data['text/plain'];
      return r.error || typeof text !== 'string' || text === '' ? null : coloured(text);
    },
  };
}

/** "Ln 2, Col 18". */
function caretWords(text: string, at: number): string {
  const before = text.slice(0, at);
  return `Ln ${before.split('\n').length}, Col ${at - before.lastIndexOf('\n')}`;
}
