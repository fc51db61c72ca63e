import { cellId, clientId, commandId, DecodeError, flag, json, jsonObject, list, map, nullable, number, object, oneOf, optional, or, outputId, requestId, runId, tagged, text, widgetId, word, type Decoder } from './decode';
import { isRecord } from './decode';
import type { BlobRef, Cell, Event, Json, Output, Run, ServerFrame, State, Text, Widgets } from './types';

/** The messages of the protocol as decoders. What decodes here has the types of ./types, proved by the compiler. */

const runText: Decoder<Text> = object({ head: or(text, ''), tail: or(text, ''), tail_at: or(number, 0), total: or(number, 0) });
const zero = or(number, 0);

const outputKinds = {
  stream: object({ id: outputId, rev: zero, kind: word('stream'), name: oneOf('stdout', 'stderr'), text: or(runText, { head: '', tail: '', tail_at: 0, total: 0 }) }),
  display: object({ id: outputId, rev: zero, kind: word('display'), data: jsonObject, metadata: jsonObject, display_id: optional(text) }),
  result: object({ id: outputId, rev: zero, kind: word('result'), data: jsonObject, metadata: jsonObject, display_id: optional(text), execution_count: nullable(number) }),
  error: object({ id: outputId, rev: zero, kind: word('error'), ename: or(text, ''), evalue: or(text, ''), traceback: list(text) }),
  input: object({ id: outputId, rev: zero, kind: word('input'), prompt: or(text, ''), value: or(text, ''), password: flag }),
};
const anyOutput = tagged('kind', outputKinds);
export const output: Decoder<Output> = (v, at) => {
  const out = anyOutput(v, at);
  if (!out) throw new DecodeError(`${at}: an output of an unknown kind`);
  return out;
};

const status = oneOf('ok', 'error', 'interrupted', 'kernel_died', 'lost', 'cancelled');
const time = optional(number);

const run: Decoder<Run> = object({
  id: runId, state: oneOf('queued', 'running', 'done'), status: optional(status), reason: optional(text), client: optional(clientId),
  queued_at: zero, started_at: time, ended_at: time,
});

const cellType = oneOf('code', 'markdown', 'raw');
/** Outputs of kinds that this page does not know are left out, not fatal. */
const outputs: Decoder<readonly Output[]> = (v, at) => list(anyOutput)(v, at).filter((o) => o !== undefined);

export const cell: Decoder<Cell> = object({
  id: cellId, type: cellType, source: or(text, ''), version: zero, metadata: jsonObject, attachments: optional(jsonObject),
  execution_count: nullable(number), outputs, run: nullable(run),
});

const death = object({ text: or(text, ''), exit_code: zero, signal: optional(text), oom: optional(flag), peak_memory: time, stderr: optional(text), at: zero });
const kernel = object({
  id: or(text, ''), name: or(text, ''), display_name: or(text, ''), language: or(text, ''), environment: optional(text),
  state: oneOf('none', 'starting', 'idle', 'busy', 'unresponsive', 'restarting', 'stopping', 'dead'),
  pid: time, started_at: time, fresh: optional(flag), death: optional(death), progress: optional(text), memory: time,
});
const prompt = object({ request_id: requestId, cell_id: cellId, prompt: or(text, ''), password: flag, opened_at: zero, deadline: time });
const save = object({ state: oneOf('saved', 'unsaved', 'saving', 'failed', 'clashed'), since: zero, text: optional(text), read_only: optional(flag) });
const bin = list(object({ cell_id: cellId, at: zero }));

const buffers = list(object({ path: list(json), data: optional(text), blob: optional(text) }));
const widget = object({ kernel: optional(text), state: jsonObject, buffers, origin: optional(text), closed: flag });
const widgets: Decoder<Widgets> = (v, at) => map(widget)(v, at);

export const state: Decoder<State> = object({
  notebook: text, epoch: text, n: number, metadata: jsonObject, cells: list(cell), kernel, queue: list(cellId), prompts: list(prompt), save, bin, widgets,
});

const anyEvent = tagged('type', {
  cell_added: object({ type: word('cell_added'), index: zero, cell }),
  cell_removed: object({ type: word('cell_removed'), cell_id: cellId, at: zero }),
  cell_moved: object({ type: word('cell_moved'), cell_id: cellId, index: zero }),
  cell_changed: object({ type: word('cell_changed'), cell_id: cellId, cell_type: optional(cellType), metadata: optional(jsonObject), attachments: optional(jsonObject) }),
  metadata_changed: object({ type: word('metadata_changed'), metadata: jsonObject }),
  edited: object({ type: word('edited'), cell_id: cellId, version: number, changes: json, client: optional(clientId), cmd_id: optional(commandId) }),
  outputs_cleared: object({ type: word('outputs_cleared'), cell_id: cellId, count: flag }),
  output_set: object({ type: word('output_set'), cell_id: cellId, output }),
  text_put: object({ type: word('text_put'), cell_id: cellId, output_id: outputId, at: zero, skipped: time, text: or(text, ''), tail_at: time }),
  run_queued: object({ type: word('run_queued'), cell_id: cellId, run, place: zero }),
  run_started: object({ type: word('run_started'), cell_id: cellId, run_id: runId, at: zero }),
  run_counted: object({ type: word('run_counted'), cell_id: cellId, run_id: runId, execution_count: number }),
  run_done: object({
    type: word('run_done'), cell_id: cellId, run_id: runId, status, reason: optional(text), at: zero, execution_count: optional(number),
    ename: optional(text), evalue: optional(text), traceback: optional(list(text)), variables: optional(jsonObject),
  }),
  prompt_opened: object({ type: word('prompt_opened'), prompt }),
  prompt_changed: object({ type: word('prompt_changed'), prompt }),
  prompt_closed: object({ type: word('prompt_closed'), request_id: requestId, how: or(text, ''), client: optional(clientId) }),
  kernel_changed: object({ type: word('kernel_changed'), kernel }),
  save_changed: object({ type: word('save_changed'), save }),
  renamed: object({ type: word('renamed'), notebook: text }),
  notice: object({ type: word('notice'), level: oneOf('info', 'warning', 'error'), code: or(text, ''), text: or(text, ''), cell_id: optional(cellId) }),
  widget_opened: object({ type: word('widget_opened'), widget_id: widgetId, kernel: optional(text), state: jsonObject, buffers }),
  widget_updated: object({ type: word('widget_updated'), widget_id: widgetId, state: jsonObject, buffers, origin: optional(text) }),
  widget_closed: object({ type: word('widget_closed'), widget_id: widgetId, forget: flag }),
  widget_said: object({ type: word('widget_said'), widget_id: widgetId, content: json, buffers: list(text) }),
  payload: object({ type: word('payload'), cell_id: cellId, kind: or(text, ''), data: jsonObject }),
});
export const event: Decoder<Event | undefined> = anyEvent;

/** Unknown events and outputs are of a newer server: left out. Anything else that does not decode is an error. */
const events: Decoder<readonly Event[]> = (v, at) => list(event)(v, at).filter((e) => e !== undefined);

const frame = tagged('type', {
  welcome: object({ type: word('welcome'), protocol: number, server_id: or(text, ''), version: or(text, ''), time: zero, heartbeat_ms: or(number, 10_000), caps: list(text) }),
  resume: object({ type: word('resume'), sub: text, notebook: text, epoch: text, from: number }),
  snapshot: object({ type: word('snapshot'), sub: text, state, cells: zero, more: flag }),
  snapshot_part: object({ type: word('snapshot_part'), sub: text, cells: optional(list(cell)), cell_id: optional(cellId), outputs: optional(outputs), output_id: optional(outputId), at: or(number, 0), text: optional(text), widgets: optional(widgets), more: flag }),
  gone: object({ type: word('gone'), sub: text, notebook: or(text, ''), code: or(text, ''), reason: or(text, '') }),
  events: object({ type: word('events'), sub: text, notebook: or(text, ''), epoch: text, from: number, n: number, events }),
  response: object({ type: word('response'), req_id: text, error: optional(text), matches: list(text), start: zero, end: zero, metadata: jsonObject, data: jsonObject }),
  error: object({ type: word('error'), error: or(text, ''), code: or(text, '') }),
  ping: object({ type: word('ping'), time: zero, tops: map(number) }),
  ack: object({ type: word('ack'), cmd_id: commandId, notebook: or(text, ''), status: oneOf('accepted', 'duplicate', 'rejected'), n: zero, code: optional(text), error: optional(text) }),
});

/** A frame of the server; undefined when its type is not known here (then it is ignored). */
export function decodeFrame(data: string): ServerFrame | undefined {
  const parsed: unknown = JSON.parse(data);
  return frame(parsed, 'frame');
}

/** A MIME value that is kept beside the events (P30), else null. */
export function blobOf(value: Json | undefined): BlobRef | null {
  if (!isRecord(value) || !isRecord(value['runnel_blob'])) return null;
  return object({ hash: text, size: zero, json: flag })(value['runnel_blob'], 'runnel_blob');
}
