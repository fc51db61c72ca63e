/**
 * Cells that were changed here and by another program at once. The server keeps both: the other version is a cell of its own behind the
 * one here, and its metadata says whose version it is. A cell that one side deleted and the other changed is kept, and its metadata says
 * who deleted it.
 */
import type { NotebookStore } from '../../notebook/store';
import type { CellId, Json, JsonObject } from '../../protocol/types';

/** Whose other version a cell is, by the mark in its metadata; '' when it is none. */
export function clashOf(metadata: JsonObject): string {
  const clash = member(member(metadata, 'runnel'), 'clash');
  const of = member(clash, 'of');
  return typeof of === 'string' ? of : '';
}

/** Which side deleted this cell that the other changed, by the mark in its metadata; '' when none did. */
export function deletedOn(metadata: JsonObject): 'here' | 'disk' | '' {
  const side = member(member(member(metadata, 'runnel'), 'clash'), 'deleted');
  return side === 'here' || side === 'disk' ? side : '';
}

export function withoutClash(metadata: JsonObject): JsonObject {
  const { runnel, ...rest } = metadata;
  if (!isObject(runnel)) return metadata;
  const { clash: _, ...own } = runnel;
  return Object.keys(own).length > 0 ? { ...rest, runnel: own } : rest;
}

/** The cells of which a person has to choose: other versions of one that is here, and those that one side deleted. */
export function clashes(store: NotebookStore, ids: readonly CellId[] = store.cellIds.get()): readonly CellId[] {
  const here = new Set<string>(ids);
  return ids.filter((id) => {
    const metadata = store.cell(id)?.metadata.get() ?? {};
    const of = clashOf(metadata);
    return deletedOn(metadata) !== '' || (of !== '' && of !== id && here.has(of));
  });
}

/** What the cells of `clashes` are, in a few words. */
export function clashWords(store: NotebookStore, ids: readonly CellId[]): string {
  const deleted = ids.filter((id) => deletedOn(store.cell(id)?.metadata.get() ?? {}) !== '').length;
  const cells = ids.length === 1 ? 'One cell was' : `${ids.length} cells were`;
  if (deleted === 0) return `${cells} changed on disk too`;
  return deleted === ids.length ? `${cells} deleted on one side` : `${cells} changed or deleted on disk too`;
}

const isObject = (value: Json | undefined): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value);
const member = (value: Json | undefined, key: string): Json | undefined => (isObject(value) ? value[key] : undefined);
