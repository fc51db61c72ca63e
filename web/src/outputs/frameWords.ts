/** What the page and an output frame say to each other, checked: the frame runs somebody's scripts and may say anything. */

import type { Library } from './chartWords';
import type { FromWidgets, ModelBuffer } from './widgetWords';

export const MAX_HEIGHT = 20_000;

export type FrameMessage =
  | { readonly kind: 'ready' }
  | { readonly kind: 'height'; readonly height: number }
  | { readonly kind: 'open'; readonly href: string }
  | { readonly kind: 'escape' }
  | { readonly kind: 'widgets' }
  /** The frame's widget needs the network and could not be drawn; or, later, could. */
  | { readonly kind: 'undrawn'; readonly undrawn: boolean }
  | FromWidgets
  /** A change or a message of a widget that is more than may be said at once. */
  | { readonly kind: 'too_large'; readonly id: string; readonly token: number };

export interface FrameItem {
  readonly id: string;
  readonly rev: number;
  readonly mime: string;
  readonly data: string;
  /** What draws it, when it is a chart, and what is shown as text if that fails. */
  readonly drawnBy?: Library;
  readonly plain?: string;
}

export function readFrameMessage(data: unknown): FrameMessage | null {
  if (typeof data !== 'object' || data === null || !('runnel' in data) || data.runnel !== 'frame' || !('kind' in data)) return null;
  switch (data.kind) {
    case 'ready':
    case 'escape':
    case 'widgets':
      return { kind: data.kind };
    case 'height':
      return 'height' in data && typeof data.height === 'number' && data.height >= 0 && data.height < 1e7 ? { kind: 'height', height: Math.min(data.height, MAX_HEIGHT) } : null;
    case 'open':
      return 'href' in data && typeof data.href === 'string' && /^(https?:\/\/|mailto:)/i.test(data.href) && data.href.length < 8192 ? { kind: 'open', href: data.href } : null;
    case 'undrawn':
      return 'undrawn' in data && typeof data.undrawn === 'boolean' ? { kind: 'undrawn', undrawn: data.undrawn } : null;
    case 'model':
      return readModel(data);
    default:
      return null;
  }
}

/** The most that a view may say at once, in bytes. */
const MAX_CHANGE = 1 << 20;

function readModel(data: object): FrameMessage | null {
  const get = (key: string): unknown => Reflect.get(data, key);
  const [id, token, state, content, buffers] = [get('id'), get('token'), get('state'), get('content'), get('buffers')];
  if (typeof id !== 'string' || id === '' || id.length > 128 || typeof token !== 'number' || !Array.isArray(buffers) || buffers.length > 100) return null;
  if ((state === undefined) === (content === undefined) || (state !== undefined && !isRecord(state))) return null;
  let size = 0;
  const checked: ModelBuffer[] = [];
  for (const b of buffers) {
    if (!isRecord(b) || !(b['data'] instanceof ArrayBuffer) || !Array.isArray(b['path'])) return null;
    size += b['data'].byteLength;
    checked.push({ path: b['path'].filter((p) => typeof p === 'string' || typeof p === 'number'), data: b['data'] });
  }
  try {
    const text = JSON.stringify(state ?? content);
    if (text === undefined) return null;
    if (text.length + size > MAX_CHANGE) return { kind: 'too_large', id, token };
    const plain: unknown = JSON.parse(text); // what is no JSON is gone
    if (state === undefined) return { kind: 'model', id, token, content: plain, buffers: checked };
    return isRecord(plain) ? { kind: 'model', id, token, state: plain, buffers: checked } : null;
  } catch {
    return null;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
