import { StateEffect, StateField, type Extension, type Range } from '@codemirror/state';
import { Decoration, EditorView, type DecorationSet } from '@codemirror/view';

/** Marks on parts of the text, as find sets them; they move with the text until they are set anew. */
export interface Mark {
  readonly from: number;
  readonly to: number;
}

const all = Decoration.mark({ class: 'cm-searchMatch' });
const current = Decoration.mark({ class: 'cm-searchMatch cm-searchMatch-selected' });
const set = StateEffect.define<DecorationSet>();

export const marks: Extension = StateField.define<DecorationSet>({
  create: () => Decoration.none,
  update(value, tr) {
    for (const e of tr.effects) if (e.is(set)) return e.value;
    return value.map(tr.changes);
  },
  provide: (field) => EditorView.decorations.from(field),
});

export function setMarks(view: EditorView, parts: readonly Mark[], now: Mark | null): void {
  const length = view.state.doc.length;
  const ranges = parts.filter((m) => m.from < m.to && m.to <= length).map((m): Range<Decoration> => (m.from === now?.from ? current : all).range(m.from, m.to));
  view.dispatch({ effects: set.of(Decoration.set(ranges, true)) });
}
