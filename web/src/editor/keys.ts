import { acceptCompletion, closeBracketsKeymap, completionKeymap, completionStatus, startCompletion } from '@codemirror/autocomplete';
import { defaultKeymap, historyKeymap, indentLess, indentMore, insertTab, simplifySelection } from '@codemirror/commands';
import { Prec, type Extension } from '@codemirror/state';
import { keymap, type EditorView, type KeyBinding } from '@codemirror/view';
import { askHelp, closeHelp } from './inspect';
import type { EditorOptions } from './options';

/**
 * The keys: the cell's own first, then the editor's. Tab indents at the start of a line and completes after a word; Ctrl-M (macOS:
 * Shift-Alt-M) makes Tab leave the editor, as does Escape to the cell's command mode.
 */
export function keys(options: EditorOptions): Extension {
  const own: KeyBinding[] = options.keys.map(({ key, run }) => ({
    key,
    run: (view) => (key === 'Escape' && (completionStatus(view.state) !== null || closeHelp(view) || simplifySelection(view)) ? false : run()),
  }));
  const arrows: KeyBinding[] = [
    { key: 'ArrowUp', run: (view) => atEdge(view, -1) && (options.onLeave?.(-1) ?? false) },
    { key: 'ArrowDown', run: (view) => atEdge(view, 1) && (options.onLeave?.(1) ?? false) },
  ];
  const help: KeyBinding[] = [{ key: 'Escape', run: closeHelp }];
  const tab: KeyBinding[] = [{ key: 'Tab', run: (view) => acceptCompletion(view) || tabKey(view) }];
  return [Prec.highest(keymap.of([...own, ...tab, ...help])), Prec.high(keymap.of(arrows)), keymap.of([...closeBracketsKeymap, ...completionKeymap, ...historyKeymap, ...defaultKeymap])];
}

function tabKey(view: EditorView): boolean {
  const { state } = view;
  const { main, ranges } = state.selection;
  if (state.readOnly) return false;
  if (ranges.length > 1 || !main.empty) return indentMore(view);
  const line = state.doc.lineAt(main.head);
  const before = line.text.slice(0, main.head - line.from);
  if (/^\s*$/.test(before)) return indentMore(view) || insertTab(view);
  return startCompletion(view);
}

/** Help on what is before the caret, else less indentation. */
export function shiftTab(view: EditorView, inspect: EditorOptions['inspect']): boolean {
  const { state } = view;
  const { main } = state.selection;
  const line = state.doc.lineAt(main.head);
  const indent = main.empty && /^\s*$/.test(line.text.slice(0, main.head - line.from));
  if (main.empty && !indent && askHelp(view, inspect)) return true;
  return indentLess(view);
}

/** Whether the caret is alone in the first (or last) line as it is drawn. */
function atEdge(view: EditorView, direction: -1 | 1): boolean {
  const { state } = view;
  const { main, ranges } = state.selection;
  if (ranges.length > 1 || !main.empty || completionStatus(state) !== null) return false;
  const edge = direction < 0 ? 0 : state.doc.length;
  if (state.doc.lineAt(main.head).number !== state.doc.lineAt(edge).number) return false;
  const here = view.coordsAtPos(main.head);
  const there = view.coordsAtPos(edge);
  return !here || !there || Math.abs(here.top - there.top) < 4;
}
