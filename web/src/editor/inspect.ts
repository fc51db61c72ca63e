import { StateEffect, StateField, type Extension } from '@codemirror/state';
import { EditorView, showTooltip, type Tooltip } from '@codemirror/view';
import type { EditorOptions } from './options';

/** The documentation tooltip of Shift-Tab: shown at the caret until the next key or click. */

const setHelp = StateEffect.define<Tooltip | null>();

const help = StateField.define<Tooltip | null>({
  create: () => null,
  update(value, tr) {
    for (const e of tr.effects) if (e.is(setHelp)) return e.value;
    return tr.docChanged || tr.selection ? null : value;
  },
  provide: (field) => showTooltip.from(field),
});

export const inspectTooltip: Extension = help;

export function closeHelp(view: EditorView): boolean {
  if (!view.state.field(help, false)) return false;
  view.dispatch({ effects: setHelp.of(null) });
  return true;
}

/** Asks and shows; true when there is something to ask about. */
export function askHelp(view: EditorView, ask: EditorOptions['inspect']): boolean {
  if (!ask) return false;
  const { head } = view.state.selection.main;
  const doc = view.state.doc;
  const line = doc.lineAt(head);
  if (!/[\w)\]($.]/.test(line.text.slice(0, head - line.from).slice(-1))) return false;
  const abort = new AbortController();
  void ask(doc.toString(), head, abort.signal)
    .then((text) => {
      if (text === null || view.state.doc !== doc || view.state.selection.main.head !== head) return;
      view.dispatch({ effects: setHelp.of({ pos: head, above: true, create: () => ({ dom: box(text) }) }) });
    })
    .catch(() => undefined);
  return true;
}

function box(text: Node): HTMLElement {
  const dom = document.createElement('pre');
  dom.className = 'cm-help';
  dom.setAttribute('role', 'status');
  dom.append(text);
  return dom;
}
