import { useContext, useEffect, useRef, useState } from 'react';
import { heights } from '../ui/local';
import { onTheme } from '../ui/theme';
import type { Library } from './chartWords';
import { altairSpec } from './altair';
import { refOf, useText } from './blob';
import { Surroundings } from './context';
import { loadFonts, themeNow, URL_OF_FRAME, useNear, type Font } from './frameKit';
import { readFrameMessage, type FrameItem } from './frameWords';
import { loadLibrary } from './libraries';
import { textOf, type Renderer } from './registry';

export interface FrameSource {
  readonly id: string;
  readonly rev: number;
  readonly mime: string;
  readonly renderer: Renderer;
  readonly value: unknown;
  /** Its text, for when it cannot be drawn. */
  readonly plain?: unknown;
}

/**
 * Neighbouring outputs with HTML or scripts, in one sandboxed frame of an opaque origin: it can neither read this page nor act as
 * the person. Made when it comes near the viewport; its last height is kept until then.
 */
export function FrameView({ sources }: { sources: readonly FrameSource[] }) {
  const key = sources[0]?.id ?? '';
  const box = useRef<HTMLDivElement>(null);
  const near = useNear(box);
  const [items, setItems] = useState<Readonly<Record<string, FrameItem>>>({});
  const ready = sources.map((s) => items[s.id]).filter((i) => i !== undefined);
  return (
    <div ref={box} className="out out-frame" style={{ minHeight: near ? undefined : heights.get(key) || 40 }}>
      {near && sources.map((s) => <Loader key={s.id} source={s} put={(item) => setItems((old) => ({ ...old, [item.id]: item }))} />)}
      {near && ready.length === sources.length && <Sandbox heightKey={key} items={ready} />}
    </div>
  );
}

/** Fetches one value; shows only that it takes long or failed. */
function Loader({ source, put }: { source: FrameSource; put: (item: FrameItem) => void }) {
  const loaded = useText(source.value);
  const text = loaded.kind === 'text' ? loaded.text : null;
  useEffect(() => {
    if (text !== null) put(itemOf(source, text));
  }, [text, source.id, source.rev, source.mime]);
  if (loaded.kind === 'failed') return <div className="muted out-note">This output could not be fetched: {loaded.why}.</div>;
  return null;
}

function itemOf({ id, rev, mime, renderer, plain }: FrameSource, data: string): FrameItem {
  const text = plain === undefined || refOf(plain) ? {} : { plain: textOf(plain) };
  if (renderer === 'vega' || renderer === 'plotly') return { id, rev, mime, data, drawnBy: renderer, ...text };
  const spec = renderer === 'html' ? altairSpec(data) : null;
  return spec === null ? { id, rev, mime, data } : { id, rev, mime: 'application/vnd.vegalite+json', data: spec, drawnBy: 'vega', ...text };
}

function Sandbox({ items, heightKey }: { items: readonly FrameItem[]; heightKey: string }) {
  const ref = useRef<HTMLIFrameElement>(null);
  const ready = useRef(false);
  const latest = useRef(items);
  latest.current = items;
  const has = useRef(new Set<Library>());
  const [height, setHeight] = useState(() => heights.get(heightKey) || 40);
  const { leaveFrame } = useContext(Surroundings);
  const post = (message: object) => ref.current?.contentWindow?.postMessage({ runnel: 'frame', ...message }, '*');
  const send = (fonts?: readonly Font[]) => {
    if (!ready.current) return;
    post({ kind: 'render', theme: themeNow(), items: latest.current, fonts });
    for (const { drawnBy } of latest.current) {
      if (!drawnBy || has.current.has(drawnBy)) continue;
      has.current.add(drawnBy);
      void loadLibrary(drawnBy).then((code) => post({ kind: 'script', code }));
    }
  };
  useEffect(() => {
    const onMessage = (e: MessageEvent) => {
      if (e.source === null || e.source !== ref.current?.contentWindow) return;
      const message = readFrameMessage(e.data);
      if (message?.kind === 'ready') {
        ready.current = true;
        has.current.clear();
        send();
        void loadFonts().then(send);
      } else if (message?.kind === 'height') {
        setHeight(message.height);
        heights.set(heightKey, message.height);
      } else if (message?.kind === 'open') {
        open(message.href, '_blank', 'noopener,noreferrer');
      } else if (message?.kind === 'escape') {
        leaveFrame();
      }
    };
    addEventListener('message', onMessage);
    const off = onTheme(() => send());
    return () => {
      removeEventListener('message', onMessage);
      off();
    };
  }, [heightKey, leaveFrame]);
  useEffect(() => send(), [items]);
  return <iframe ref={ref} title="Output" src={URL_OF_FRAME} sandbox="allow-scripts" referrerPolicy="no-referrer" style={{ height }} />;
}
