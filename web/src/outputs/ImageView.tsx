import { useMemo, useState } from 'react';
import { blobUrl, refOf } from './blob';
import { textOf } from './registry';

/** A picture: from a blob by its hash, or from the event itself. SVG is shown as a picture too, so nothing in it can run. */
export function ImageView(props: { mime: string; value: unknown; metadata: unknown; alt: string }) {
  const { mime, value } = props;
  const src = useMemo(() => sourceOf(mime, value), [mime, value]);
  const size = sizeOf(props.metadata, mime);
  // What the program says the picture was drawn for.
  const ground = pick(pick(props.metadata, mime) ?? props.metadata, 'needs_background');
  const [failed, setFailed] = useState(false);
  if (failed) return <div className="out muted">This picture could not be shown ({mime}).</div>;
  return (
    <div className={`out out-image${ground === 'dark' ? ' on-dark' : ''}`}>
      <img src={src} alt={props.alt} width={size.width} height={size.height} decoding="async" onError={() => setFailed(true)} />
    </div>
  );
}

function sourceOf(mime: string, value: unknown): string {
  const ref = refOf(value);
  if (ref) return blobUrl(ref);
  const text = textOf(value);
  return mime === 'image/svg+xml' ? `data:image/svg+xml;charset=utf-8,${encodeURIComponent(text)}` : `data:${mime};base64,${text.replace(/\s+/g, '')}`;
}

function sizeOf(metadata: unknown, mime: string): { width?: number; height?: number } {
  const own = pick(metadata, mime) ?? metadata;
  const width = pick(own, 'width');
  const height = pick(own, 'height');
  return { width: typeof width === 'number' ? width : undefined, height: typeof height === 'number' ? height : undefined };
}

function pick(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null ? Object.entries(value).find(([k]) => k === key)?.[1] : undefined;
}
