import { cellId, commandId, DecodeError, flag, json, jsonObject, list, number, object, oneOf, optional, or, requestId, tagged, text, widgetId, word } from './decode';
import type { Command } from './types';

const base = { cmd_id: commandId, notebook: text };
const cellType = oneOf('code', 'markdown', 'raw');

const command = tagged('type', {
  execute: object({ ...base, type: word('execute'), cell_id: cellId, code: optional(text) }),
  run: object({ ...base, type: word('run'), cell_ids: optional(list(cellId)) }),
  cancel: object({ ...base, type: word('cancel'), cell_id: optional(cellId) }),
  interrupt: object({ ...base, type: word('interrupt') }),
  input_reply: object({ ...base, type: word('input_reply'), request_id: optional(requestId), value: or(text, '') }),
  prompt_extend: object({ ...base, type: word('prompt_extend'), request_id: requestId, seconds: number }),
  edit: object({ ...base, type: word('edit'), cell_id: cellId, version: or(number, 0), changes: json }),
  cell_insert: object({ ...base, type: word('cell_insert'), cell_id: cellId, index: or(number, 0), cell_type: cellType, source: optional(text), metadata: optional(jsonObject), like: optional(cellId) }),
  cell_delete: object({ ...base, type: word('cell_delete'), cell_id: cellId }),
  cell_restore: object({ ...base, type: word('cell_restore'), cell_id: cellId, index: or(number, 0) }),
  cell_move: object({ ...base, type: word('cell_move'), cell_id: cellId, index: or(number, 0) }),
  cell_change: object({ ...base, type: word('cell_change'), cell_id: cellId, cell_type: optional(cellType), metadata: optional(jsonObject) }),
  clear_outputs: object({ ...base, type: word('clear_outputs'), cell_id: optional(cellId) }),
  kernel_start: object({ ...base, type: word('kernel_start'), name: optional(text) }),
  kernel_restart: object({ ...base, type: word('kernel_restart'), name: optional(text), force: optional(flag) }),
  kernel_stop: object({ ...base, type: word('kernel_stop'), force: optional(flag) }),
  widget_change: object({
    ...base, type: word('widget_change'), cell_id: cellId, widget_id: widgetId, state: optional(jsonObject), content: optional(json),
    buffers: optional(list(object({ path: list(json), data: optional(text) }))), origin: optional(text),
  }),
  save: object({ ...base, type: word('save') }),
});

/** A command as it was written down before a reload, or as a page hands it to the shared worker. */
export function decodeCommand(value: unknown): Command {
  const out = command(value, 'command');
  if (!out) throw new DecodeError('command: an unknown type');
  return out;
}
