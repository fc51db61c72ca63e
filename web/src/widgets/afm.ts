/** The module of an anywidget, as its specification (the anywidget front-end module) has it: what it exports, and words for what goes wrong. */

export interface Parts {
  readonly initialize?: Part;
  readonly render?: Part;
}
/** May give a function that cleans up, or a promise of one. */
export type Part = (given: object) => unknown;

/** The parts that a module exports by default: an object, or a function that gives it. An older form exports `render` by its name. */
export async function partsOf(module: unknown): Promise<Parts> {
  const named = read(module, 'render');
  if (isPart(named)) return { render: named };
  const own = read(module, 'default');
  const value: unknown = isPart(own) ? await own({}) : own;
  const [initialize, render] = [read(value, 'initialize'), read(value, 'render')];
  const parts = { ...(isPart(initialize) ? { initialize } : {}), ...(isPart(render) ? { render } : {}) };
  if (!parts.initialize && !parts.render) throw new Error('its module has no default export with initialize or render');
  return parts;
}

/** Code, or a style sheet, that is not there itself, but its address. */
export function isAddress(text: string): boolean {
  return /^https?:\/\/\S+$/.test(text);
}

/** The widget needs something from the network. */
export class OutOfReach extends Error {
  constructor(...addresses: readonly string[]) {
    super(`This widget loads ${[...new Set(addresses)].join(' and ')}, and Runnel’s frames reach no network.`);
  }
}

/** Why code has failed: of the addresses that were refused meanwhile, it wanted those that the error names, else the code, at least in part. */
export function reasonOf(error: unknown, code: string, refused: readonly string[]): Error {
  const failed = error instanceof Error ? error : new Error(String(error));
  if (!(failed instanceof TypeError)) return failed;
  const ways = [(address: string) => failed.message.includes(address), (address: string) => code.includes(address), (address: string) => code.includes(new URL(address).origin)];
  const wanted = ways.map((named) => refused.filter(named)).find((found) => found.length > 0);
  return wanted ? new OutOfReach(...wanted) : failed;
}

/** A copy of a value as it is sent: JSON, and bytes, of which no more than the view shows. */
export function copied(value: unknown): unknown {
  if (typeof value === 'bigint') throw new TypeError('a BigInt cannot be sent');
  if (typeof value === 'function' || typeof value === 'symbol') return undefined;
  if (value instanceof ArrayBuffer) return value.slice(0);
  if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength).slice().buffer;
  if (Array.isArray(value)) return value.map(copied);
  if (typeof value !== 'object' || value === null) return value;
  const json = read(value, 'toJSON');
  if (isFunction(json)) return copied(Reflect.apply(json, value, []));
  return Object.fromEntries(Object.entries(value).map(([key, v]) => [key, copied(v)]));
}

function read(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined;
}
function isPart(value: unknown): value is Part {
  return typeof value === 'function';
}
function isFunction(value: unknown): value is () => unknown {
  return typeof value === 'function';
}
