/** Large values: the event holds a reference, the value comes over HTTP with its media type. */
import { useEffect, useState } from 'react';
import { textOf } from './registry';

export interface Ref {
  readonly hash: string;
  readonly size: number;
}

export function refOf(value: unknown): Ref | null {
  if (typeof value !== 'object' || value === null || !('runnel_blob' in value)) return null;
  const ref = value.runnel_blob;
  if (typeof ref !== 'object' || ref === null || !('hash' in ref) || !('size' in ref)) return null;
  if (typeof ref.hash !== 'string' || !/^[0-9a-f]{64}$/.test(ref.hash)) return null;
  return { hash: ref.hash, size: Number(ref.size) || 0 };
}

export const blobUrl = (ref: Ref): string => `/runnel/v1/blobs/${ref.hash}`;

export type Loaded = { readonly kind: 'text'; readonly text: string } | { readonly kind: 'loading'; readonly size: number } | { readonly kind: 'failed'; readonly why: string };

const cache = new Map<string, string>();
const CACHED = 24;

async function load(ref: Ref): Promise<string> {
  const known = cache.get(ref.hash);
  if (known !== undefined) return known;
  const response = await fetch(blobUrl(ref));
  if (!response.ok) throw new Error(response.status === 404 ? 'it is no longer kept' : `the server answered ${response.status}`);
  const text = await response.text();
  cache.set(ref.hash, text);
  const oldest = cache.keys().next();
  if (cache.size > CACHED && !oldest.done) cache.delete(oldest.value);
  return text;
}

/** A MIME value as text, fetched when it is a reference. */
export function useText(value: unknown): Loaded {
  const ref = refOf(value);
  const [state, setState] = useState<Loaded | null>(null);
  const hash = ref?.hash;
  useEffect(() => {
    if (!ref) return;
    let live = true;
    setState(null);
    load(ref).then(
      (text) => live && setState({ kind: 'text', text }),
      (error: unknown) => live && setState({ kind: 'failed', why: error instanceof Error ? error.message : 'the line is down' }),
    );
    return () => {
      live = false;
    };
  }, [hash]);
  if (!ref) return { kind: 'text', text: textOf(value) };
  return state ?? { kind: 'loading', size: ref.size };
}
