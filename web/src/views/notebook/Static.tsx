import { useEffect, useMemo, useRef, useState } from 'react';
import { highlight, loadGrammar } from '../../editor/highlight';
import type { CellStore } from '../../notebook/store';
import { afterFrame } from '../../ui/frame';
import { useSelected, useSignal } from '../../ui/useSignal';
import { mark } from '../find/marks';
import type { CellMatches } from '../find/query';
import { useNotebook } from './context';
import { near } from './stages';

const DWELL_MS = 50;

/** A cell's source as text, coloured when it is near the viewport. `warm`: the pointer rests on it; `edit`: it was pressed there. */
export function Static(props: { el: React.RefObject<HTMLPreElement | null>; cell: CellStore; language: string; placeholder?: string; numbers: boolean; warm: () => void; edit: (at: number) => void }) {
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

/** As wide as the live editor's numbers. */
export function numberWidth(lines: number): React.CSSProperties & Record<'--numbers', string> {
  return { '--numbers': `max(24px, calc(${String(lines).length}ch + 10px))` };
}

/** What find has found in a cell. */
export function useFound(id: CellStore['id']): CellMatches {
  const { find } = useNotebook();
  return useSelected(find.found, () => find.of(id), (a, b) => a === b || (a.matches.length === 0 && b.matches.length === 0));
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
