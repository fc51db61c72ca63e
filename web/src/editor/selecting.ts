import { Compartment, type Extension } from '@codemirror/state';
import { EditorView, keymap, type Command } from '@codemirror/view';
import { fetched } from '../ui/fetched';

/** It comes with the first selection: nobody needs it to write. */
const load = fetched(() => import('@codemirror/search'));

/** What goes with a selection: the same text elsewhere in the cell is marked, and may be selected too (Ctrl-D the next, Ctrl-Shift-L all). */
export function selecting(): Extension {
  const same = new Compartment();
  let asked = false;
  return [
    same.of([]),
    EditorView.updateListener.of(({ state, view }) => {
      if (asked || state.selection.main.empty) return;
      asked = true;
      void load().then(({ highlightSelectionMatches }) => view.dispatch({ effects: same.reconfigure(highlightSelectionMatches()) }));
    }),
    keymap.of([
      { key: 'Mod-d', run: later('selectNextOccurrence') },
      { key: 'Mod-Shift-l', run: later('selectSelectionMatches') },
    ]),
  ];
}

const later = (command: 'selectNextOccurrence' | 'selectSelectionMatches'): Command => (view) => {
  void load().then((search) => search[command](view));
  return true;
};
