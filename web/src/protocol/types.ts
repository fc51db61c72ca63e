/**
 * The words of the browser-server protocol, as docs/protocol.md (P1, P2, ...) and the Go package internal/protocol have them.
 * Field names are those of the wire. Ids are types of their own, so that a cell's id is never taken for a run's.
 */

declare const brand: unique symbol;
type Id<Name extends string> = string & { readonly [brand]: Name };

export type CellId = Id<'cell'>;
export type RunId = Id<'run'>;
export type CommandId = Id<'command'>;
export type OutputId = Id<'output'>;
export type RequestId = Id<'request'>;
export type WidgetId = Id<'widget'>;
export type ClientId = Id<'client'>;

/** JSON as a value. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: Json;
}

/** A CodeMirror change set in its JSON form. */
export type ChangesJson = Json;

export const PROTOCOL_VERSION = 1;

/** How much of a stream's text is kept: its head and its tail, in UTF-16 code units (P31). */
export const HEAD_MAX = 256 * 1024;
export const TAIL_MAX = 768 * 1024;

export type CellType = 'code' | 'markdown' | 'raw';

export type RunStatus = 'ok' | 'error' | 'interrupted' | 'kernel_died' | 'lost' | 'cancelled';

export interface Run {
  readonly id: RunId;
  readonly state: 'queued' | 'running' | 'done';
  readonly status?: RunStatus;
  readonly reason?: string;
  readonly client?: ClientId;
  readonly queued_at: number;
  readonly started_at?: number;
  readonly ended_at?: number;
}

/** The kept text of a stream output; offsets and lengths are UTF-16 code units. */
export interface Text {
  readonly head: string;
  readonly tail: string;
  readonly tail_at: number;
  readonly total: number;
}

/** MIME type to value. A value over 256 KiB is `{runnel_blob: {hash, size, json}}`, see blobOf(). */
export type MimeBundle = JsonObject;

export interface BlobRef {
  readonly hash: string;
  readonly size: number;
  readonly json: boolean;
}

interface OutputBase {
  readonly id: OutputId;
  readonly rev: number;
}
export interface StreamOutput extends OutputBase {
  readonly kind: 'stream';
  readonly name: 'stdout' | 'stderr';
  readonly text: Text;
}
export interface DisplayOutput extends OutputBase {
  readonly kind: 'display';
  readonly data: MimeBundle;
  readonly metadata: JsonObject;
  readonly display_id?: string;
}
export interface ResultOutput extends OutputBase {
  readonly kind: 'result';
  readonly data: MimeBundle;
  readonly metadata: JsonObject;
  readonly display_id?: string;
  readonly execution_count: number | null;
}
export interface ErrorOutput extends OutputBase {
  readonly kind: 'error';
  readonly ename: string;
  readonly evalue: string;
  readonly traceback: readonly string[];
}
export interface InputOutput extends OutputBase {
  readonly kind: 'input';
  readonly prompt: string;
  readonly value: string;
  readonly password: boolean;
}
export type Output = StreamOutput | DisplayOutput | ResultOutput | ErrorOutput | InputOutput;

export interface Cell {
  readonly id: CellId;
  readonly type: CellType;
  readonly source: string;
  readonly version: number;
  readonly metadata: JsonObject;
  readonly attachments?: JsonObject;
  readonly execution_count: number | null;
  readonly outputs: readonly Output[];
  readonly run: Run | null;
}

export type KernelState = 'none' | 'starting' | 'idle' | 'busy' | 'unresponsive' | 'restarting' | 'stopping' | 'dead';

export interface Death {
  readonly text: string;
  readonly exit_code: number;
  readonly signal?: string;
  readonly oom?: boolean;
  readonly peak_memory?: number;
  readonly stderr?: string;
  readonly at: number;
}

export interface Kernel {
  readonly id: string;
  readonly name: string;
  readonly display_name: string;
  readonly language: string;
  readonly environment?: string;
  readonly state: KernelState;
  readonly pid?: number;
  readonly started_at?: number;
  /** Nothing was run on it yet. */
  readonly fresh?: boolean;
  readonly death?: Death;
  readonly progress?: string;
  readonly memory?: number;
}

export interface Prompt {
  readonly request_id: RequestId;
  readonly cell_id: CellId;
  readonly prompt: string;
  readonly password: boolean;
  readonly opened_at: number;
  readonly deadline?: number;
}

export type SaveState = 'saved' | 'unsaved' | 'saving' | 'failed' | 'clashed';
export interface Save {
  readonly state: SaveState;
  readonly since: number;
  readonly text?: string;
  /** The file may not be written. */
  readonly read_only?: boolean;
}

export interface BinEntry {
  readonly cell_id: CellId;
  readonly at: number;
}

/** A binary part of a model's state, at `path` (keys and indexes): base64 in `data`, or the blob of that hash. */
export interface WidgetBuffer {
  readonly path: readonly Json[];
  readonly data?: string;
  readonly blob?: string;
}

/** The model of one ipywidget. It is never changed; a change puts another in its place. */
export interface Widget {
  /** Made by this kernel; it lives while that one does. */
  readonly kernel?: string;
  readonly state: JsonObject;
  readonly buffers: readonly WidgetBuffer[];
  /** The view that made the latest change, when a page did. */
  readonly origin?: string;
  readonly closed: boolean;
}
export type Widgets = Readonly<Record<WidgetId, Widget>>;

/** Everything a page needs to show a notebook: a replica of the server's session at event n. */
export interface State {
  readonly notebook: string;
  readonly epoch: string;
  readonly n: number;
  readonly metadata: JsonObject;
  readonly cells: readonly Cell[];
  readonly kernel: Kernel;
  readonly queue: readonly CellId[];
  readonly prompts: readonly Prompt[];
  readonly save: Save;
  readonly bin: readonly BinEntry[];
  readonly widgets: Widgets;
}

/** One numbered change of a notebook's state. Applying one twice changes nothing (P24). */
export type Event =
  | { readonly type: 'cell_added'; readonly index: number; readonly cell: Cell }
  | { readonly type: 'cell_removed'; readonly cell_id: CellId; readonly at: number }
  | { readonly type: 'cell_moved'; readonly cell_id: CellId; readonly index: number }
  | { readonly type: 'cell_changed'; readonly cell_id: CellId; readonly cell_type?: CellType; readonly metadata?: JsonObject; readonly attachments?: JsonObject }
  | { readonly type: 'metadata_changed'; readonly metadata: JsonObject }
  | { readonly type: 'edited'; readonly cell_id: CellId; readonly version: number; readonly changes: ChangesJson; readonly client?: ClientId; readonly cmd_id?: CommandId }
  | { readonly type: 'outputs_cleared'; readonly cell_id: CellId; readonly count: boolean }
  | { readonly type: 'output_set'; readonly cell_id: CellId; readonly output: Output }
  | { readonly type: 'text_put'; readonly cell_id: CellId; readonly output_id: OutputId; readonly at: number; readonly skipped?: number; readonly text: string; readonly tail_at?: number }
  | { readonly type: 'run_queued'; readonly cell_id: CellId; readonly run: Run; readonly place: number }
  | { readonly type: 'run_started'; readonly cell_id: CellId; readonly run_id: RunId; readonly at: number }
  | { readonly type: 'run_counted'; readonly cell_id: CellId; readonly run_id: RunId; readonly execution_count: number }
  | RunDone
  | { readonly type: 'prompt_opened'; readonly prompt: Prompt }
  | { readonly type: 'prompt_changed'; readonly prompt: Prompt }
  | PromptClosed
  | { readonly type: 'kernel_changed'; readonly kernel: Kernel }
  | { readonly type: 'save_changed'; readonly save: Save }
  | { readonly type: 'renamed'; readonly notebook: string }
  | { readonly type: 'widget_opened'; readonly widget_id: WidgetId; readonly kernel?: string; readonly state: JsonObject; readonly buffers: readonly WidgetBuffer[] }
  | { readonly type: 'widget_updated'; readonly widget_id: WidgetId; readonly state: JsonObject; readonly buffers: readonly WidgetBuffer[]; readonly origin?: string }
  | { readonly type: 'widget_closed'; readonly widget_id: WidgetId; readonly forget: boolean }
  | WidgetSaid
  | Notice
  | Payload;

export interface RunDone {
  readonly type: 'run_done';
  readonly cell_id: CellId;
  readonly run_id: RunId;
  readonly status: RunStatus;
  readonly reason?: string;
  readonly at: number;
  readonly execution_count?: number | null;
  readonly ename?: string;
  readonly evalue?: string;
  readonly traceback?: readonly string[];
  readonly variables?: JsonObject;
}
export interface PromptClosed {
  readonly type: 'prompt_closed';
  readonly request_id: RequestId;
  readonly how: string;
  readonly client?: ClientId;
}
/** Tells a person something once. */
export interface Notice {
  readonly type: 'notice';
  readonly level: 'info' | 'warning' | 'error';
  readonly code: string;
  readonly text: string;
  readonly cell_id?: CellId;
}
/** A message of the kernel to a model's views: it changes no state. */
export interface WidgetSaid {
  readonly type: 'widget_said';
  readonly widget_id: WidgetId;
  readonly content: Json;
  readonly buffers: readonly string[];
}
/** What the kernel wants shown beside its output (a pager). */
export interface Payload {
  readonly type: 'payload';
  readonly cell_id: CellId;
  readonly kind: string;
  readonly data: MimeBundle;
}

/** What a client asks for; each has a cmd_id and gets exactly one ack (P26). */
export type CommandBody =
  | { readonly type: 'execute'; readonly cell_id: CellId; readonly code?: string }
  | { readonly type: 'run'; readonly cell_ids?: readonly CellId[] }
  | { readonly type: 'cancel'; readonly cell_id?: CellId }
  | { readonly type: 'interrupt' }
  | { readonly type: 'input_reply'; readonly request_id?: RequestId; readonly value: string }
  | { readonly type: 'prompt_extend'; readonly request_id: RequestId; readonly seconds: number }
  | { readonly type: 'edit'; readonly cell_id: CellId; readonly version: number; readonly changes: ChangesJson }
  | { readonly type: 'cell_insert'; readonly cell_id: CellId; readonly index: number; readonly cell_type: CellType; readonly source?: string; readonly metadata?: JsonObject; readonly like?: CellId }
  | { readonly type: 'cell_delete'; readonly cell_id: CellId }
  | { readonly type: 'cell_restore'; readonly cell_id: CellId; readonly index: number }
  | { readonly type: 'cell_move'; readonly cell_id: CellId; readonly index: number }
  | { readonly type: 'cell_change'; readonly cell_id: CellId; readonly cell_type?: CellType; readonly metadata?: JsonObject }
  | { readonly type: 'clear_outputs'; readonly cell_id?: CellId }
  | { readonly type: 'kernel_start'; readonly name?: string }
  | { readonly type: 'kernel_restart'; readonly name?: string; readonly force?: boolean }
  | { readonly type: 'kernel_stop'; readonly force?: boolean }
  | { readonly type: 'widget_change'; readonly cell_id: CellId; readonly widget_id: WidgetId; readonly state?: JsonObject; readonly content?: Json; readonly buffers?: readonly WidgetBuffer[]; readonly origin?: string }
  | { readonly type: 'save' };

export type Command = CommandBody & { readonly cmd_id: CommandId; readonly notebook: string };

export interface Ack {
  readonly type: 'ack';
  readonly cmd_id: CommandId;
  readonly notebook: string;
  readonly status: 'accepted' | 'duplicate' | 'rejected';
  readonly n: number;
  readonly code?: string;
  readonly error?: string;
}

export interface Subscription {
  readonly sub: string;
  readonly notebook: string;
  readonly epoch?: string;
  readonly n?: number;
}

/** Frames from a client, beside commands. */
export type ClientFrame =
  | { readonly type: 'hello'; readonly protocol: number; readonly client_id: ClientId; readonly subscriptions: readonly Subscription[] }
  | ({ readonly type: 'subscribe' } & Subscription)
  | { readonly type: 'unsubscribe'; readonly sub: string }
  | KernelRequest
  | { readonly type: 'ping'; readonly time: number }
  | Command;

export interface KernelRequest {
  readonly type: 'request';
  readonly req_id: string;
  readonly notebook: string;
  readonly kind: 'complete' | 'inspect' | 'history';
  readonly code: string;
  readonly cursor: number;
  readonly detail?: number;
}

export interface Welcome {
  readonly type: 'welcome';
  readonly protocol: number;
  readonly server_id: string;
  readonly version: string;
  readonly time: number;
  readonly heartbeat_ms: number;
  readonly caps: readonly string[];
}
export interface Resume {
  readonly type: 'resume';
  readonly sub: string;
  readonly notebook: string;
  readonly epoch: string;
  readonly from: number;
}
export interface Snapshot {
  readonly type: 'snapshot';
  readonly sub: string;
  readonly state: State;
  readonly cells: number;
  readonly more: boolean;
}
export interface SnapshotPart {
  readonly type: 'snapshot_part';
  readonly sub: string;
  readonly cells?: readonly Cell[];
  readonly cell_id?: CellId;
  /** Further outputs of the cell, appended. */
  readonly outputs?: readonly Output[];
  /** Of a long text a piece: of this output, where it stands; else of the cell's source. */
  readonly output_id?: OutputId;
  readonly at: number;
  readonly text?: string;
  readonly widgets?: Widgets;
  readonly more: boolean;
}
export interface Gone {
  readonly type: 'gone';
  readonly sub: string;
  readonly notebook: string;
  readonly code: string;
  readonly reason: string;
}
export interface Events {
  readonly type: 'events';
  readonly sub: string;
  readonly notebook: string;
  readonly epoch: string;
  readonly from: number;
  readonly n: number;
  readonly events: readonly Event[];
}
export interface KernelResponse {
  readonly type: 'response';
  readonly req_id: string;
  readonly error?: string;
  readonly matches: readonly string[];
  readonly start: number;
  readonly end: number;
  readonly metadata: JsonObject;
  readonly data: MimeBundle;
}
export interface ErrorFrame {
  readonly type: 'error';
  readonly error: string;
  readonly code: string;
}
export interface Ping {
  readonly type: 'ping';
  readonly time: number;
  readonly tops: Readonly<Record<string, number>>;
}

/** Frames from the server. */
export type ServerFrame = Welcome | Resume | Snapshot | SnapshotPart | Gone | Events | KernelResponse | ErrorFrame | Ping | Ack;

/** Frames about one subscription. */
export type FeedFrame = Resume | Snapshot | SnapshotPart | Gone | Events;

/** Close codes and what a client does (P33). */
export const CLOSE = {
  restarting: 4000,
  slow: 4001,
  unauthorized: 4002,
  reload: 4003,
  refused: 4004,
  silent: 4005,
} as const;

/** For the end of a switch over a union: the compiler proves that nothing is left. */
export function assertNever(value: never): never {
  throw new Error(`unexpected value: ${JSON.stringify(value)}`);
}
