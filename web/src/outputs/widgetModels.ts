/** Which models a widget needs and what changed of them, for a frame: pure but for blobs, which are fetched. */
import type { Json, JsonObject, Kernel, Widget, Widgets } from '../protocol/types';
import { blobOf } from '../protocol/messages';
import type { ModelBuffer, ModelChange } from './widgetWords';
import { blobUrl } from './blob';

/** Whether a person can still work with it: the kernel that made it lives. */
export function isLive(widget: Widget, kernel: Kernel): boolean {
  return widget.kernel !== undefined && widget.kernel === kernel.id && ['idle', 'busy', 'unresponsive'].includes(kernel.state);
}

/** The models that `root` is made of, itself first. */
export function reachable(widgets: Widgets, root: string): Map<string, Widget> {
  const found = new Map<string, Widget>();
  const all: Readonly<Record<string, Widget>> = widgets;
  const add = (id: string): void => {
    const widget = all[id];
    if (!widget || found.has(id)) return;
    found.set(id, widget);
    named(widget.state, add);
  };
  add(root);
  for (const [id, widget] of Object.entries(all)) if (isLinkOf(widget, found)) found.set(id, widget);
  return found;
}

/** A link between widgets that are both there: it works where they are shown. */
function isLinkOf(widget: Widget, found: ReadonlyMap<string, Widget>): boolean {
  const name = widget.state['_model_name'];
  if (name !== 'LinkModel' && name !== 'DirectionalLinkModel') return false;
  const ends: string[] = [];
  named([widget.state['source'] ?? null, widget.state['target'] ?? null], (id) => ends.push(id));
  return ends.length === 2 && ends.every((id) => found.has(id));
}

/** The models that a value names: "IPY_MODEL_<id>", "anywidget:<id>", and what an Output widget shows. */
function named(value: Json, add: (id: string) => void): void {
  if (typeof value === 'string') {
    const id = /^(?:IPY_MODEL_|anywidget:)(.+)$/s.exec(value)?.[1];
    if (id !== undefined) add(id);
  } else if (Array.isArray(value)) {
    for (const v of value) named(v, add);
  } else if (typeof value === 'object' && value !== null) {
    for (const [key, v] of Object.entries(value)) {
      if (key === 'model_id' && typeof v === 'string') add(v);
      else named(v, add);
    }
  }
}

/** What a frame that has `before` lacks; null when nothing. */
export function difference(before: Widget | undefined, after: Widget): { state: JsonObject; buffers: Widget['buffers'] } | null {
  if (before === after) return null;
  const changed = Object.entries(after.state).filter(([key, value]) => before?.state[key] !== value);
  const buffers = after.buffers.filter((b) => !before?.buffers.includes(b));
  return changed.length > 0 || buffers.length > 0 || !before ? { state: Object.fromEntries(changed), buffers } : null;
}

/** The change with its blobs in it. */
export async function resolved(change: { state: JsonObject; buffers: Widget['buffers'] }, live: boolean): Promise<ModelChange> {
  const state: Record<string, unknown> = { ...change.state };
  const waits = Object.entries(change.state).map(async ([key, value]) => {
    const ref = blobOf(value);
    if (ref) state[key] = await (await fetch(blobUrl(ref))).json();
  });
  const buffers = change.buffers.map(async (b): Promise<ModelBuffer> => {
    const path = b.path.filter((p) => typeof p === 'string' || typeof p === 'number');
    const data = b.blob === undefined ? fromBase64(b.data ?? '') : await (await fetch(blobUrl({ hash: b.blob, size: 0 }))).arrayBuffer();
    return { path, data };
  });
  await Promise.all(waits);
  return { state, buffers: await Promise.all(buffers), live };
}

export function fromBase64(text: string): ArrayBuffer {
  return Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer;
}
export function toBase64(data: ArrayBuffer): string {
  let text = '';
  for (const byte of new Uint8Array(data)) text += String.fromCharCode(byte);
  return btoa(text);
}
