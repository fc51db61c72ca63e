import type { ChangeSet } from '@codemirror/state';
import type {
  BinEntry, Cell, CellId, CellType, CommandBody, CommandId, DisplayOutput, ErrorOutput, InputOutput, JsonObject, Kernel,
  Notice, OutputId, Payload, Prompt, PromptClosed, ResultOutput, RequestId, Run, RunDone, Save, StreamOutput, Text, Gone, KernelResponse, WidgetSaid, Widgets,
} from '../protocol/types';
import type { Signal } from './signal';

/** What the views see of a notebook. The store implements it; nothing here knows React. */

/** A run that was asked for and not yet confirmed. */
export interface Sending {
  readonly state: 'sending';
  readonly cmd_id: CommandId;
  readonly asked_at: number;
}

/** A stream output without its text: that is read through CellView.text(), past React. */
export type StreamView = Omit<StreamOutput, 'text'>;
export type OutputView = StreamView | DisplayOutput | ResultOutput | ErrorOutput | InputOutput;

/** How a stream's text changed: it is cut to `at` and goes on with `text`, after what is skipped. Offsets are those of the whole text. */
export type TextChange = { readonly at: number; readonly skipped: number; readonly text: string } | { readonly reset: true };

export interface TextFeed {
  get(): Text;
  subscribe(fn: (change: TextChange) => void): () => void;
}

/** A cell's source as an editor sees it. It lives on without an editor. */
export interface CellDocument {
  /** The text as the person sees it: the server's, with own edits not yet confirmed on top. */
  readonly text: string;
  /** The server's version that the text is based on. */
  readonly version: number;
  /** Whether there are edits that the server has not confirmed. */
  readonly unconfirmed: boolean;
  /** An edit of the person here, against `text`. Listeners are not told. */
  edit(changes: ChangeSet): void;
  /** Makes the source `text` by the smallest change, and tells the listeners: for edits that do not come from an editor. */
  replace(text: string): void;
  /** Changes that no editor made, against the text before: from elsewhere, or `own` by replace(). `text` is the one after. */
  onRemote(fn: (changes: ChangeSet, own: boolean) => void): () => void;
}

export interface CellView {
  readonly id: CellId;
  readonly type: Signal<CellType>;
  /** The text of `doc`, at most once per frame. */
  readonly source: Signal<string>;
  readonly doc: CellDocument;
  readonly executionCount: Signal<number | null>;
  readonly run: Signal<Run | Sending | null>;
  /** Structure only: another list when an output is added, replaced or removed, not when text grows. */
  readonly outputs: Signal<readonly OutputView[]>;
  readonly metadata: Signal<JsonObject>;
  readonly attachments: Signal<JsonObject>;
  /** Whether edits or other changes of this cell wait for the server. */
  readonly unconfirmed: Signal<boolean>;
  text(output: OutputId): TextFeed;
}

/** A command that is not acknowledged, or was rejected and not yet dismissed. */
export interface PendingCommand {
  readonly cmd_id: CommandId;
  readonly body: CommandBody;
  readonly asked_at: number;
  readonly rejected?: { readonly code: string; readonly error: string };
  /** Text of the person that could not be put into the cell: shown until dismissed, never dropped. */
  readonly text?: string;
}

export type Readiness = { readonly kind: 'loading' } | { readonly kind: 'partial'; readonly cells: number } | { readonly kind: 'ready' } | { readonly kind: 'gone'; readonly gone: Gone };

/** Things that happen once. */
export interface Happenings {
  notice: Notice;
  payload: Payload;
  run_done: RunDone;
  widget_said: WidgetSaid;
  /** `mine`: this page answered it. */
  prompt_closed: PromptClosed & { readonly prompt: Prompt | undefined; readonly mine: boolean };
  renamed: { readonly from: string; readonly to: string };
}

/** What a person did to a widget. */
export type WidgetChange = Omit<Extract<CommandBody, { type: 'widget_change' }>, 'type' | 'cell_id'>;

export interface Actions {
  /** Runs one cell, with what was typed so far. The cell shows {state: 'sending'} at once. */
  execute(id: CellId): void;
  /** Runs these cells in order as one group; all code cells without ids. */
  run(ids?: readonly CellId[]): void;
  /** Takes a cell out of the queue; the whole queue without id. */
  cancel(id?: CellId): void;
  interrupt(): void;
  answer(request: RequestId, value: string): void;
  extend(request: RequestId, seconds: number): void;
  /** Puts a new cell at index; it is there at once, under the id returned. */
  insert(index: number, type: CellType, source?: string): CellId;
  /** Into the bin. */
  remove(ids: readonly CellId[]): void;
  /** Back from the bin. */
  restore(id: CellId, index: number): void;
  /** To index of the list without the cell. */
  move(id: CellId, index: number): void;
  change(id: CellId, what: { type?: CellType; metadata?: JsonObject }): void;
  clear(id?: CellId): void;
  kernelStart(name?: string): void;
  kernelRestart(options?: { force?: boolean; name?: string }): void;
  kernelStop(options?: { force?: boolean }): void;
  save(): void;
  complete(id: CellId, code: string, cursor: number, signal: AbortSignal): Promise<KernelResponse>;
  inspect(id: CellId, code: string, cursor: number, detail: number, signal: AbortSignal): Promise<KernelResponse>;
  history(signal: AbortSignal): Promise<readonly string[]>;
}

export interface NotebookView extends Actions {
  /** Where the notebook is now; `renamed` tells of a change. */
  readonly path: string;
  readonly name: Signal<string>;
  readonly cellIds: Signal<readonly CellId[]>;
  cell(id: CellId): CellView | undefined;
  readonly kernel: Signal<Kernel>;
  readonly saveState: Signal<Save>;
  /** Cells with a queued run, in order; the running one is not in it. */
  readonly queue: Signal<readonly CellId[]>;
  /** Cells whose run is at the kernel, usually none or one. */
  readonly running: Signal<readonly CellId[]>;
  readonly prompts: Signal<readonly Prompt[]>;
  readonly bin: Signal<readonly BinEntry[]>;
  readonly metadata: Signal<JsonObject>;
  readonly ready: Signal<Readiness>;
  readonly widgets: Signal<Widgets>;
  changeWidget(cell: CellId, what: WidgetChange, done: (taken: boolean) => void): void;
  readonly pending: Signal<readonly PendingCommand[]>;
  /** Drops a rejected command from `pending`. */
  dismiss(id: CommandId): void;
  on<K extends keyof Happenings>(kind: K, fn: (what: Happenings[K]) => void): () => void;
  /** What was typed at a prompt and not sent; kept over a reload, passwords in memory only. */
  promptDraft(request: RequestId): string;
  setPromptDraft(request: RequestId, text: string): void;
}

/** A cell of the replica, for those who only read. */
export type ReplicaCell = Cell;
