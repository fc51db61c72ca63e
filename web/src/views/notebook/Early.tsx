import { useLayoutEffect, type ReactNode, type RefObject } from 'react';
import type { EditorHandle } from '../../editor';
import type { CellStore } from '../../notebook/store';

/** What a cell's source can be told while it is edited, in the editor or before that has come. */
export type SourceField = Pick<EditorHandle, 'focus' | 'select' | 'selection'> & Partial<Pick<EditorHandle, 'help'>>;

/**
 * A field over a cell's text (children), until the editor's code has come: what is typed goes into the cell as from the editor, which goes on
 * where the caret is. It shows nothing but its caret and what is selected.
 */
export function Early(props: { cell: CellStore; label: string; field: RefObject<HTMLTextAreaElement | null>; style?: React.CSSProperties; made: (field: SourceField) => void; focused: () => void; children: ReactNode }) {
  const { cell, field, made } = props;
  useLayoutEffect(() => {
    const el = field.current;
    if (!el) return undefined;
    made(handleOf(el));
    return cell.doc.onRemote((changes) => {
      const { text } = cell.doc;
      if (el.value === text) return;
      const [start, end] = [changes.mapPos(el.selectionStart), changes.mapPos(el.selectionEnd)];
      el.value = text;
      el.setSelectionRange(start, end);
    });
  }, [cell]);
  return (
    <div className="code-early" style={props.style}>
      {props.children}
      <textarea
        ref={field}
        className="code"
        aria-label={props.label}
        defaultValue={cell.doc.text}
        readOnly={cell.doc.text.includes('\r')} // a field makes another line break of it
        spellCheck={false}
        autoCapitalize="off"
        autoCorrect="off"
        onInput={(e) => cell.doc.replace(e.currentTarget.value)}
        onFocus={props.focused}
        onKeyDown={(e) => {
          if (e.key !== 'Tab' || e.shiftKey || e.currentTarget.readOnly) return;
          e.preventDefault();
          e.currentTarget.setRangeText('    ', e.currentTarget.selectionStart, e.currentTarget.selectionEnd, 'end');
          cell.doc.replace(e.currentTarget.value);
        }}
      />
    </div>
  );
}

function handleOf(el: HTMLTextAreaElement): SourceField {
  return {
    focus(where = 'keep') {
      if (where !== 'keep') el.setSelectionRange(...(where === 'start' ? [0, 0] as const : [el.value.length, el.value.length] as const));
      el.focus();
    },
    select: (anchor, head = anchor) => el.setSelectionRange(Math.min(anchor, head), Math.max(anchor, head)),
    selection: () => ({ anchor: el.selectionStart, head: el.selectionEnd }),
  };
}
