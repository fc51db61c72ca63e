/** Whether a cell's outputs are hidden, as its metadata in the file says. */
import type { JsonObject } from '../../protocol/types';

export function outputsHidden(metadata: JsonObject): boolean {
  const jupyter = metadata.jupyter;
  return metadata.collapsed === true || (typeof jupyter === 'object' && jupyter !== null && 'outputs_hidden' in jupyter && jupyter.outputs_hidden === true);
}

export function withOutputsHidden(metadata: JsonObject, on: boolean): JsonObject {
  const { jupyter, collapsed: _, ...rest } = metadata;
  const entries = typeof jupyter === 'object' && jupyter !== null && !Array.isArray(jupyter) ? Object.entries(jupyter) : [];
  const own = Object.fromEntries(entries.filter(([key]) => key !== 'outputs_hidden'));
  if (on) return { ...rest, jupyter: { ...own, outputs_hidden: true } };
  return Object.keys(own).length > 0 ? { ...rest, jupyter: own } : rest;
}
