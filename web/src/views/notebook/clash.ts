/**
 * Cells that were changed here and by another program at once. The server keeps both: the other version is a cell of its own behind the
 * one here, and its metadata says whose version it is.
 */
import type { NotebookStore } from '../../notebook/store';
import type { CellId, Json, JsonObject } from '../../protocol/types';

/** Whose other version a cell is, by the mark in its metadata; '' when it is none. */
export function clashOf(metadata: JsonObject): string {
  const clash = member(member(metadata, 'runnel'), 'clash');
  const of = member(clash, 'of');
  return typeof of === 'string' ? of : '';
}

export function withoutClash(metadata: JsonObject): JsonObject {
  const { runnel, ...rest } = metadata;
  if (!isObject(runnel)) return metadata;
  const { clash: _, ...own } = runnel;
  return Object.keys(own).length > 0 ? { ...rest, runnel: own } : rest;
}

/** The cells that are the other version of one that is here. */
export function clashes(store: NotebookStore, ids: readonly CellId[] = store.cellIds.get()): readonly CellId[] {
  const here = new Set<string>(ids);
  return ids.filter((id) => {
    const of = clashOf(store.cell(id)?.metadata.get() ?? {});
    return of !== '' && of !== id && here.has(of);
  });
}

const isObject = (value: Json | undefined): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value);
const member = (value: Json | undefined, key: string): Json | undefined => (isObject(value) ? value[key] : undefined);
