/** Finding and replacing over all cells of a notebook: in sources, and in what was put out. */
import type { CellStore, NotebookStore } from '../../notebook/store';
import type { CellId, OutputId } from '../../protocol/types';
import type { NotebookController } from '../notebook/controller';
import { MOST, patternOf } from './matches';
import { NOTHING, type Find, type Found, type Hit, type Place, type Query } from './query';
import { OutputMarks } from './outputMarks';
import type { Seeker } from './seeker';
import { sourceOf, textsOf, type CellText } from './texts';
import type { Result } from './work';

/** A place in the notebook from which on is looked; a text that is there no more counts as its cell's beginning. */
interface Spot {
  readonly cell: CellId;
  readonly output: OutputId | null;
  readonly from: number;
}

interface Known {
  readonly parts: readonly string[];
  readonly hits: readonly Hit[];
}

/** ms: outputs may grow with every frame; and what is found is shown so often while it is looked for. */
const OUTPUTS_MS = 250;
const SHOW_MS = 100;

/** While it is shown it looks again through the texts that change, here or elsewhere. Closed, it watches nothing. */
export class Finder {
  readonly #find: Find;
  readonly #store: NotebookStore;
  readonly #notebook: NotebookController;
  readonly #seeker: Seeker;
  readonly #marks: OutputMarks;
  /** The hits of texts as they were looked through last, for the query of now. */
  readonly #known = new Map<string, Known>();
  /** What the hits are of. */
  #query: Query;
  #unread = 0;
  #problem = '';
  readonly #stops = new Map<CellId, () => void>();
  #stopCells: (() => void) | null = null;
  /** What is looked for now leads here when it is found; `show`: the person is to see it. */
  #aim: { spot: Spot | null; show: boolean } | null = null;
  #timer: { readonly id: ReturnType<typeof setTimeout>; readonly at: number } | null = null;
  /** Text that was made source to show a match in it. */
  readonly #openedHere = new Set<CellId>();

  constructor(notebook: NotebookController, seeker: Seeker) {
    this.#notebook = notebook;
    this.#find = notebook.find;
    this.#store = notebook.store;
    this.#seeker = seeker;
    this.#query = this.#find.query.get();
    this.#marks = new OutputMarks(seeker);
    this.#find.engine = this;
    this.#find.shown.subscribe(() => this.#follow());
    this.#find.query.subscribe(() => this.#asked(true));
    this.#follow();
  }

  next(by: 1 | -1): void {
    const { places, at } = this.#find.found.get();
    if (places.length > 0) this.go((at + by + places.length) % places.length);
  }

  /** To one of the hits. */
  go(at: number): void {
    this.#put({ ...this.#find.found.get(), at });
    this.#show();
  }

  /** Replaces the current match and goes to the next; one in an output is passed over. */
  replace(by: string): void {
    const place = this.#find.current;
    const cell = place && this.#store.cell(place.cell);
    if (!place || !cell) return;
    if (place.output !== null) return this.next(1);
    const before = sourceOf(cell);
    const only = place.from;
    this.#seeker.ask(
      { lane: 'replace', query: this.#query, texts: [{ key: place.cell, kind: 'plain', parts: [before] }], by: { text: by, only } },
      {
        ended: (problem) => this.#told(problem),
        results: ([result]) => {
          const after = result?.after;
          // What was typed since is not undone.
          if (!after || after.count === 0 || cell.doc.text !== before) return;
          cell.doc.replace(after.text);
          this.#notebook.did('', changed([{ cell, before, after: after.text }]));
          this.#look({ cell: place.cell, output: null, from: place.to + after.text.length - before.length }, true);
        },
      },
    );
  }

  /** Replaces all of them in the sources, one change in each cell. */
  replaceAll(by: string): void {
    const cells = [...new Set(this.#find.found.get().places.filter((p) => p.output === null).map((p) => p.cell))].flatMap((id) => this.#store.cell(id) ?? []);
    if (cells.length === 0) return;
    const texts = cells.map((cell) => ({ key: cell.id, kind: 'plain' as const, parts: [sourceOf(cell)] }));
    const done: Change[] = [];
    let count = 0;
    const results = (all: readonly Result[]) => {
      for (const { key, after } of all) {
        const cell = cells.find((c) => c.id === key);
        const before = texts.find((t) => t.key === key)?.parts[0];
        if (!cell || before === undefined || !after || after.count === 0) continue;
        count += after.count;
        done.push({ cell, before, after: after.text });
      }
    };
    const ended = (problem: string) => {
      this.#told(problem);
      // All of them or none.
      if (problem !== '' || done.length === 0) return;
      const step = changed(done);
      step.redo();
      this.#look();
      this.#notebook.did(`${count} replaced in ${done.length === 1 ? 'one cell' : `${done.length} cells`}.`, step);
    };
    this.#seeker.ask({ lane: 'replace', query: this.#query, texts, by: { text: by } }, { results, ended });
  }

  // When it looks.

  #follow(): void {
    const open = this.#find.shown.get() !== 'closed';
    if (open === (this.#stopCells !== null)) return;
    if (!open) return this.#close();
    this.#stopCells = this.#store.cellIds.subscribe(() => this.#watch());
    this.#watch();
    this.#asked(false);
  }

  /** Puts the keyboard back: on the match when the person was writing, else on its cell. */
  #close(): void {
    const place = this.#find.current;
    this.#stopCells?.();
    this.#stopCells = null;
    for (const stop of this.#stops.values()) stop();
    this.#stops.clear();
    if (this.#timer) clearTimeout(this.#timer.id);
    this.#timer = null;
    this.#known.clear();
    this.#aim = null;
    this.#seeker.close();
    this.#put(NOTHING);
    this.#marks.close();
    const mode = place && place.output !== null ? 'command' : this.#find.mode;
    this.#closeTexts(mode === 'edit' ? place?.cell : undefined);
    const id = place?.cell ?? this.#notebook.cursor.active;
    if (id !== null) this.#notebook.cursor.focus(id, mode);
  }

  /** `show`: goes to what is found. */
  #asked(show: boolean): void {
    if (this.#stopCells === null) return;
    this.#query = this.#find.query.get();
    this.#problem = '';
    this.#known.clear();
    this.#aim = null;
    this.#look(this.#here(), show);
  }

  #watch(): void {
    const ids = this.#store.cellIds.get();
    const here = new Set(ids);
    for (const [id, stop] of this.#stops) {
      if (here.has(id)) continue;
      stop();
      this.#stops.delete(id);
    }
    for (const id of ids) {
      const cell = this.#store.cell(id);
      if (cell && !this.#stops.has(id)) this.#stops.set(id, this.#watchCell(cell));
    }
    this.#lookIn(0);
  }

  #watchCell(cell: CellStore): () => void {
    let streams: (() => void)[] = [];
    const follow = () => {
      for (const stop of streams) stop();
      streams = cell.outputs.get().flatMap((o) => (o.kind === 'stream' ? cell.text(o.id).subscribe(() => this.#lookIn(OUTPUTS_MS)) : []));
    };
    follow();
    const stops = [
      cell.source.subscribe(() => this.#lookIn(0)),
      cell.outputs.subscribe(() => {
        follow();
        this.#lookIn(OUTPUTS_MS);
      }),
    ];
    return () => {
      for (const stop of [...stops, ...streams]) stop();
    };
  }

  /** In so many ms at the latest. */
  #lookIn(ms: number): void {
    const at = performance.now() + ms;
    if (this.#timer && this.#timer.at <= at) return;
    if (this.#timer) clearTimeout(this.#timer.id);
    const id = setTimeout(() => {
      this.#timer = null;
      this.#look();
    }, ms);
    this.#timer = { id, at };
  }

  // How it looks.

  /** Looks through what it does not know yet. The current hit is the first from `spot` on; `show` goes there. */
  #look(spot?: Spot | null, show = false): void {
    const pattern = patternOf(this.#query);
    if (!(pattern instanceof RegExp)) {
      this.#seeker.drop('find');
      this.#aim = null;
      this.#put({ ...NOTHING, wrong: pattern ?? '' });
      return this.#closeTexts();
    }
    this.#aim = { spot: spot === undefined ? (this.#aim ? this.#aim.spot : this.#here()) : spot, show: show || (this.#aim?.show ?? false) };
    // What took too long once is not tried again with each key.
    const unknown = this.#problem === '' ? this.#gather() : [];
    if (unknown.length === 0) {
      this.#seeker.drop('find');
      return this.#settle();
    }
    const byKey = new Map(unknown.map((t) => [t.key, t.parts]));
    let shownAt = performance.now();
    const results = (all: readonly Result[]) => {
      for (const { key, hits } of all) this.#known.set(key, { parts: byKey.get(key) ?? [], hits });
      if (performance.now() - shownAt < SHOW_MS) return;
      this.#put(this.#assemble(this.#aim?.spot ?? null, true));
      shownAt = performance.now();
    };
    const ended = (problem: string) => {
      this.#problem = problem;
      this.#settle();
    };
    this.#seeker.ask({ lane: 'find', query: this.#query, texts: unknown }, { results, ended });
  }

  #settle(): void {
    const aim = this.#aim;
    this.#aim = null;
    this.#put(this.#assemble(aim?.spot ?? null, false));
    if (aim?.show) this.#show();
  }

  /** The texts that changed since they were looked through. */
  #gather(): readonly (CellText & { key: string })[] {
    const out: (CellText & { key: string })[] = [];
    this.#unread = 0;
    for (const id of this.#store.cellIds.get()) {
      const cell = this.#store.cell(id);
      if (!cell) continue;
      const { texts, unread } = textsOf(cell, this.#query.outputs);
      this.#unread += unread;
      for (const text of texts) {
        const known = this.#known.get(keyOf(id, text.output));
        const same = known && known.parts.length === text.parts.length && known.parts.every((p, i) => p === text.parts[i]);
        if (!same) out.push({ ...text, key: keyOf(id, text.output) });
      }
    }
    return out;
  }

  #assemble(spot: Spot | null, busy: boolean): Found {
    const places: Place[] = [];
    let at = -1;
    let reached = false;
    let more = false;
    for (const cell of this.#store.cellIds.get()) {
      const here = spot !== null && cell === spot.cell;
      let passed = !here || spot.output === null;
      reached ||= spot === null || here;
      for (const output of this.#outputsOf(cell)) {
        const hits = this.#known.get(keyOf(cell, output))?.hits ?? [];
        const from = here && output === spot.output ? spot.from : 0;
        passed ||= here && output === spot.output;
        for (const [nth, hit] of hits.entries()) {
          if (places.length >= MOST) more = true;
          if (more) break;
          if (at < 0 && reached && passed && hit.from >= from) at = places.length;
          places.push({ ...hit, cell, output, nth, of: hits.length });
        }
      }
    }
    return { places, at: places.length === 0 ? -1 : Math.max(at, 0), wrong: this.#problem, more, busy, unread: this.#unread };
  }

  #outputsOf(id: CellId): readonly (OutputId | null)[] {
    const outputs = this.#query.outputs ? this.#store.cell(id)?.outputs.get() : undefined;
    return [null, ...(outputs?.map((o) => o.id) ?? [])];
  }

  #here(): Spot | null {
    const place = this.#find.current;
    if (place) return place;
    const { active } = this.#notebook.cursor;
    return active === null ? null : { cell: active, output: null, from: 0 };
  }

  #told(problem: string): void {
    if (problem !== '') this.#find.put({ ...this.#find.found.get(), wrong: problem });
  }

  // What is seen of it.

  #put(found: Found): void {
    this.#find.put(found);
    this.#marks.mark(found, this.#query);
  }

  #show(): void {
    const place = this.#find.current;
    this.#closeTexts(place?.cell);
    if (!place) return;
    const { cursor } = this.#notebook;
    if (place.output !== null) {
      cursor.bring(place.cell);
      this.#marks.reveal();
    } else if (cursor.show(place.cell, place.from, place.to)) {
      this.#openedHere.add(place.cell);
    }
  }

  /** Text is rendered again when the match is not in it any more. */
  #closeTexts(but?: CellId): void {
    for (const id of this.#openedHere) {
      if (id === but) continue;
      this.#openedHere.delete(id);
      this.#notebook.cursor.open(id, false);
    }
  }
}

const keyOf = (cell: CellId, output: OutputId | null): string => `${cell} ${output ?? ''}`;

interface Change {
  readonly cell: CellStore;
  readonly before: string;
  readonly after: string;
}

/** What takes changes of sources back, and makes them again. What was typed in a cell since is not undone. */
function changed(changes: readonly Change[]): { undo: () => void; redo: () => void } {
  const put = (from: 'before' | 'after', to: 'before' | 'after') => {
    for (const c of changes) if (c.cell.doc.text === c[from]) c.cell.doc.replace(c[to]);
  };
  return { undo: () => put('after', 'before'), redo: () => put('before', 'after') };
}
