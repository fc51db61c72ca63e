import type { Cell, CellId, CellType, JsonObject, Output, OutputId, Run, Text } from '../protocol/types';
import { CellDoc, type DocOutlet } from './doc';
import type { CellView, OutputView, Sending, TextChange, TextFeed } from './model';
import { noOverlay, type CellOverlay } from './pending';
import { signal } from './signal';
import { emptyText, textOf, type Put } from './text';

/** One cell as the views see it: a channel for each thing, told only when that thing changed. */
export class CellStore implements CellView {
  readonly id: CellId;
  readonly type;
  readonly source;
  readonly executionCount;
  readonly run = signal<Run | Sending | null>(null, sameRun);
  readonly outputs = signal<readonly OutputView[]>([], sameOutputs);
  readonly metadata;
  readonly attachments;
  readonly unconfirmed = signal(false);
  #cell: Cell;
  #overlay = noOverlay;
  #doc: CellDoc | null = null;
  readonly #outlet: DocOutlet;
  readonly #feeds = new Map<OutputId, Feed>();

  constructor(cell: Cell, outlet: DocOutlet) {
    this.id = cell.id;
    this.#cell = cell;
    this.#outlet = outlet;
    this.type = signal<CellType>(cell.type);
    this.source = signal(cell.source);
    this.executionCount = signal(cell.execution_count);
    this.metadata = signal<JsonObject>(cell.metadata, sameJson);
    this.attachments = signal<JsonObject>(cell.attachments ?? {}, sameJson);
    this.run.set(cell.run);
    this.outputs.set(views(cell.outputs));
  }

  /** Made when first asked for: most cells are never edited. */
  get doc(): CellDoc {
    return (this.#doc ??= new CellDoc(this.#cell.source, this.#cell.version, this.#outlet));
  }
  /** The document when there is one. */
  get opened(): CellDoc | null {
    return this.#doc;
  }

  text(id: OutputId): TextFeed {
    let feed = this.#feeds.get(id);
    if (!feed) this.#feeds.set(id, (feed = new Feed(() => this.#text(id))));
    return feed;
  }

  #text(id: OutputId): Text {
    const output = this.#cell.outputs.find((o) => o.id === id);
    return output?.kind === 'stream' ? output.text : emptyText;
  }

  /** Shows the cell as it is now. `puts`: how the texts grew, when that is known; else they are told to begin anew. */
  show(cell: Cell, overlay: CellOverlay, puts?: ReadonlyMap<OutputId, Put | null>): void {
    const old = this.#cell;
    if (cell === old && overlay === this.#overlay && !this.#doc) return;
    this.#cell = cell;
    this.#overlay = overlay;
    this.type.set(overlay.type ?? cell.type);
    this.metadata.set(overlay.metadata ?? cell.metadata);
    this.attachments.set(cell.attachments ?? {});
    this.executionCount.set(cell.execution_count);
    this.run.set(overlay.sending ? { state: 'sending', ...overlay.sending } : cell.run);
    this.sourceChanged(overlay);
    if (old.outputs === cell.outputs) return;
    this.outputs.set(views(cell.outputs));
    for (const [id, feed] of this.#feeds) {
      const was = textOf(old.outputs, id);
      const now = textOf(cell.outputs, id);
      if (!now) this.#feeds.delete(id);
      if (was === now) continue;
      const put = puts?.get(id);
      if (put && was && now) feed.tell({ at: put.at, skipped: put.skipped ?? 0, text: put.text });
      else if (!was || !now || !sameText(was, now)) feed.tell({ reset: true });
    }
  }

  sourceChanged(overlay: CellOverlay): void {
    this.source.set(this.#doc ? this.#doc.text : this.#cell.source);
    this.unconfirmed.set(overlay.unconfirmed || (this.#doc?.unconfirmed ?? false));
  }
}

class Feed implements TextFeed {
  readonly get: () => Text;
  readonly #subscribers = new Set<(change: TextChange) => void>();
  constructor(get: () => Text) {
    this.get = get;
  }
  subscribe(fn: (change: TextChange) => void): () => void {
    const own = (change: TextChange) => fn(change);
    this.#subscribers.add(own);
    return () => void this.#subscribers.delete(own);
  }
  tell(change: TextChange): void {
    for (const fn of [...this.#subscribers]) fn(change);
  }
}

function views(outputs: readonly Output[]): readonly OutputView[] {
  return outputs.map((o) => (o.kind === 'stream' ? { id: o.id, rev: o.rev, kind: o.kind, name: o.name } : o));
}

function sameText(a: Text, b: Text): boolean {
  return a.total === b.total && a.tail_at === b.tail_at && a.head === b.head && a.tail === b.tail;
}

function sameOutputs(a: readonly OutputView[], b: readonly OutputView[]): boolean {
  return a.length === b.length && a.every((o, i) => o.id === b[i]?.id && o.rev === b[i]?.rev && o.kind === b[i]?.kind);
}

/** By value: a snapshot brings equal things as new objects. Small ones only come here. */
export function sameJson(a: unknown, b: unknown): boolean {
  return Object.is(a, b) || JSON.stringify(a) === JSON.stringify(b);
}

function sameRun(a: Run | Sending | null, b: Run | Sending | null): boolean {
  return sameJson(a, b);
}
