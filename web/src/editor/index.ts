import { closeBrackets } from '@codemirror/autocomplete';
import { history } from '@codemirror/commands';
import { bracketMatching, indentOnInput, indentUnit, syntaxHighlighting, type LanguageSupport } from '@codemirror/language';
import { Compartment, EditorSelection, EditorState, Transaction, type ChangeSet, type Extension } from '@codemirror/state';
import { crosshairCursor, drawSelection, dropCursor, EditorView, lineNumbers, placeholder, rectangularSelection } from '@codemirror/view';
import type { CellStore } from '../notebook/store';
import { blink } from './blink';
import { completion } from './complete';
import { inspectTooltip } from './inspect';
import { keys, shiftTab } from './keys';
import { loadLanguage } from './live';
import { marks, setMarks } from './marks';
import { elsewhere, ownEdit, sleep, wake } from './memory';
import type { EditorHandle, EditorOptions } from './options';
import { selecting } from './selecting';
import { theme } from './theme';
import { tokenClasses } from './tokens';
import './code.css';

export type { Completion, EditorHandle, EditorOptions } from './options';

/** Makes the live editor in parent. The cell's document and history outlive it. */
export function mountEditor(parent: HTMLElement, cell: CellStore, options: EditorOptions): EditorHandle {
  const language = new Compartment();
  const label = new Compartment();
  const numbers = new Compartment();
  const labelled = (text: string) => EditorView.contentAttributes.of({ 'aria-label': text });
  let gone = false;
  let asked = '';

  const view = new EditorView({
    parent,
    state: wake(cell, [
      base, keys(options), selecting(), completion(options.complete), language.of([]), label.of(labelled(options.ariaLabel)), numbers.of(options.lineNumbers ? lineNumbers() : []),
      options.placeholder === undefined ? [] : placeholder(options.placeholder),
      EditorState.readOnly.of(options.readOnly ?? false),
      EditorView.domEventHandlers({
        focus: () => options.onFocus?.(),
        blur: () => options.onBlur?.(),
      }),
      EditorView.updateListener.of(({ transactions }) => {
        for (const tr of transactions) if (tr.docChanged && !tr.annotation(Transaction.remote)) cell.doc.edit(tr.changes);
      }),
    ]),
  });
  const stop = cell.doc.onRemote((changes: ChangeSet, own) => view.dispatch({ changes, annotations: own ? ownEdit : elsewhere }));

  const setLanguage = (name: string) => {
    if (name === asked) return;
    asked = name;
    const put = (support: LanguageSupport | null) => {
      if (!gone && asked === name) view.dispatch({ effects: language.reconfigure(support ?? []) });
    };
    const loaded = loadLanguage(name);
    if (loaded instanceof Promise) loaded.then(put, () => put(null));
    else put(loaded);
  };
  setLanguage(options.language);

  const select = (anchor: number, head = anchor) => {
    const length = view.state.doc.length;
    const inside = (n: number) => Math.min(Math.max(n, 0), length);
    view.dispatch({ selection: EditorSelection.single(inside(anchor), inside(head)), scrollIntoView: true });
  };
  return {
    focus(where = 'keep') {
      if (where !== 'keep') select(where === 'start' ? 0 : view.state.doc.length);
      view.focus();
    },
    setLanguage,
    setAriaLabel: (text) => view.dispatch({ effects: label.reconfigure(labelled(text)) }),
    setLineNumbers: (on) => view.dispatch({ effects: numbers.reconfigure(on ? lineNumbers() : []) }),
    selection: () => ({ anchor: view.state.selection.main.anchor, head: view.state.selection.main.head }),
    select,
    help: () => void shiftTab(view, options.inspect),
    setMarks: (parts, now) => setMarks(view, parts, now),
    destroy() {
      if (gone) return;
      gone = true;
      stop();
      sleep(cell, view.state);
      view.destroy();
    },
  };
}

/** What every editor has. Line breaks are \n alone, as in the protocol; what is pasted is made so. */
const base: Extension = [
  EditorState.lineSeparator.of('\n'),
  EditorView.clipboardInputFilter.of((text) => text.replace(/\r\n?/g, '\n')),
  history(),
  EditorState.allowMultipleSelections.of(true),
  drawSelection(), blink, dropCursor(), rectangularSelection(), crosshairCursor(),
  indentUnit.of('    '), EditorState.tabSize.of(4), indentOnInput(),
  bracketMatching(), closeBrackets(),
  syntaxHighlighting(tokenClasses), theme, EditorView.lineWrapping,
  inspectTooltip, marks,
  EditorView.cspNonce.of(nonce()),
];

/** What the page's policy wants to see on a style element. */
function nonce(): string {
  return document.querySelector<HTMLMetaElement>('meta[name=csp-nonce]')?.content ?? '';
}
