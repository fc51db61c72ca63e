import { useCallback, useLayoutEffect, useRef, useState } from 'react';
import { flushSync } from 'react-dom';
import type { CellStore } from '../../notebook/store';
import { useSelected, useSignal } from '../../ui/useSignal';
import { useServices } from '../context';
import { rangeOf } from '../find/marks';
import { useNotebook } from './context';
import type { SourceField } from './Early';
import { Live } from './Live';
import { Static } from './Static';

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

/** Whether a cell has line numbers: all have them or none, but those for which it was asked otherwise. */
function useNumbers(cell: CellStore): boolean {
  const { settings } = useServices();
  const own = useSelected(useNotebook().lineNumbers, (set) => set.has(cell.id));
  return own !== (useSignal(settings.lineNumbers) === 'on');
}

function revealRange(el: Element, from: number, to: number): void {
  const place = rangeOf(el, { from, to })?.getBoundingClientRect();
  const scroller = el.closest('.main');
  const box = scroller?.getBoundingClientRect();
  if (!place || !scroller || !box) return;
  if (place.top < box.top + MARGIN || place.bottom > box.bottom - MARGIN) scroller.scrollTop += place.top - (box.top + box.bottom) / 2;
}
