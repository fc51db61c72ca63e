import type { CellId, ClientId, CommandId, Json, JsonObject, OutputId, RequestId, RunId, WidgetId } from './types';

/**
 * Small decoders: each takes a parsed JSON value and gives a typed one or throws a DecodeError that says where it went wrong.
 * Unknown fields are left out, so that a newer server changes nothing here. Go writes an empty list as null and leaves
 * out what is empty; the decoders here know that.
 */
export class DecodeError extends Error {
  override name = 'DecodeError';
}

export type Decoder<T> = (value: unknown, at: string) => T;

function fail(at: string, want: string): never {
  throw new DecodeError(`${at}: want ${want}`);
}

export const text: Decoder<string> = (v, at) => (typeof v === 'string' ? v : fail(at, 'a string'));
export const number: Decoder<number> = (v, at) => (typeof v === 'number' ? v : fail(at, 'a number'));
export const flag: Decoder<boolean> = (v, at) => (v === undefined ? false : typeof v === 'boolean' ? v : fail(at, 'true or false'));

export function isRecord(v: unknown): v is Record<string, unknown> {
  return typeof v === 'object' && v !== null && !Array.isArray(v);
}

/** What came out of JSON.parse is JSON. */
export const json: Decoder<Json> = (v) => (isJson(v) ? v : null);
function isJson(v: unknown): v is Json {
  return v !== undefined;
}
function isJsonObject(v: unknown): v is JsonObject {
  return isRecord(v);
}
export const jsonObject: Decoder<JsonObject> = (v, at) => (v === undefined || v === null ? {} : isJsonObject(v) ? v : fail(at, 'an object'));

function id<T extends string>(name: string): Decoder<T> {
  const is = (v: unknown): v is T => typeof v === 'string';
  return (v, at) => (is(v) ? v : fail(at, name));
}
export const cellId = id<CellId>('a cell id');
export const runId = id<RunId>('a run id');
export const commandId = id<CommandId>('a command id');
export const outputId = id<OutputId>('an output id');
export const requestId = id<RequestId>('a request id');
export const widgetId = id<WidgetId>('a widget id');
export const clientId = id<ClientId>('a client id');

export function oneOf<const T extends readonly string[]>(...names: T): Decoder<T[number]> {
  const is = (v: unknown): v is T[number] => typeof v === 'string' && names.includes(v);
  return (v, at) => (is(v) ? v : fail(at, names.join(', ')));
}

/** A fixed word, as in {"type": "ack"}. */
export function word<const T extends string>(name: T): Decoder<T> {
  return (v, at) => (v === name ? name : fail(at, name));
}

export function optional<T>(d: Decoder<T>): Decoder<T | undefined> {
  return (v, at) => (v === undefined || v === null || v === '' ? undefined : d(v, at));
}
export function nullable<T>(d: Decoder<T>): Decoder<T | null> {
  return (v, at) => (v === undefined || v === null ? null : d(v, at));
}
/** What Go leaves out when it is its zero value. */
export function or<T>(d: Decoder<T>, fallback: T): Decoder<T> {
  return (v, at) => (v === undefined || v === null ? fallback : d(v, at));
}
export function list<T>(d: Decoder<T>): Decoder<readonly T[]> {
  return (v, at) => {
    if (v === undefined || v === null) return [];
    if (!Array.isArray(v)) return fail(at, 'a list');
    return v.map((x, i) => d(x, `${at}[${i}]`));
  };
}
export function map<T>(d: Decoder<T>): Decoder<Readonly<Record<string, T>>> {
  return (v, at) => {
    const out: Record<string, T> = {};
    if (v === undefined || v === null) return out;
    if (!isRecord(v)) return fail(at, 'an object');
    for (const [k, x] of Object.entries(v)) out[k] = d(x, `${at}.${k}`);
    return out;
  };
}

type Shape = Record<string, Decoder<unknown>>;
type Optional<S extends Shape> = { [K in keyof S]: undefined extends ReturnType<S[K]> ? K : never }[keyof S];
/** The type of an object decoder's value: fields that may be undefined may be absent. */
export type Decoded<S extends Shape> = { readonly [K in Exclude<keyof S, Optional<S>>]: ReturnType<S[K]> } & { readonly [K in Optional<S>]?: ReturnType<S[K]> };

export function object<S extends Shape>(shape: S): Decoder<Decoded<S>> {
  const fields = Object.entries(shape);
  const holds = (out: Record<string, unknown>): out is Decoded<S> => fields.every(([k]) => k in shape) && out !== null;
  return (v, at) => {
    if (!isRecord(v)) return fail(at, 'an object');
    const out: Record<string, unknown> = {};
    for (const [k, d] of fields) {
      const x = d(v[k], `${at}.${k}`);
      if (x !== undefined) out[k] = x;
    }
    return holds(out) ? out : fail(at, 'an object');
  };
}

/** Chooses the decoder by a field; undefined when none is known by that name. */
export function tagged<M extends Record<string, Decoder<unknown>>>(field: string, by: M): Decoder<ReturnType<M[keyof M]> | undefined> {
  const known = (name: unknown): name is keyof M & string => typeof name === 'string' && Object.hasOwn(by, name);
  const decode = <K extends keyof M & string>(name: K, v: unknown, at: string) => by[name]?.(v, at);
  const is = (v: unknown): v is ReturnType<M[keyof M]> => v !== undefined;
  return (v, at) => {
    if (!isRecord(v)) return fail(at, 'an object');
    const name = v[field];
    if (!known(name)) return undefined;
    const out = decode(name, v, `${at}(${name})`);
    return is(out) ? out : undefined;
  };
}
