/** The `variables` of a finished run: a name to its type and a short text of its value. */
import type { JsonObject } from '../../protocol/types';

export interface VariableRow {
  readonly name: string;
  readonly type: string;
  readonly value: string;
}

export function readVariables(variables: JsonObject): VariableRow[] {
  const rows = Object.entries(variables).map(([name, v]): VariableRow => {
    if (typeof v !== 'object' || v === null || Array.isArray(v)) return { name, type: '', value: String(v) };
    const get = (key: string) => Object.entries(v).find(([k]) => k === key)?.[1];
    const text = (x: unknown) => (typeof x === 'string' ? x : x === undefined || x === null ? '' : JSON.stringify(x));
    return { name, type: text(get('type')), value: text(get('value') ?? get('repr') ?? get('text')) };
  });
  return rows.sort((a, b) => a.name.localeCompare(b.name));
}
