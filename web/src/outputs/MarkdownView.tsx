import { useEffect, useLayoutEffect, useRef, useState } from 'react';
import { decoded } from '../ui/words';
import type { MarkdownOptions } from './markdown';
import { texOf } from './mathText';

/** What was rendered lately: a cell that comes again is there at once. */
const rendered = new Map<string, DocumentFragment>();

/** Markdown in the page. The source is shown as text for the moment until the renderer is there. */
export function MarkdownView({ source, resolve, colour, className = '' }: MarkdownOptions & { source: string; className?: string }) {
  const [nodes, setNodes] = useState<DocumentFragment | null>(() => rendered.get(source) ?? null);
  useEffect(() => {
    let live = true;
    void import('./markdown')
      .then((m) => m.toNodes(source, { resolve, colour }))
      .then((out) => {
        if (rendered.size > 500) rendered.clear();
        rendered.set(source, out);
        // The same again is not drawn again: what is selected or unfolded in it stays so.
        if (live) setNodes((was) => (was?.isEqualNode(out) ? was : out));
      })
      .catch(() => undefined);
    return () => {
      live = false;
    };
  }, [source, resolve, colour]);
  if (nodes === null) return <div className={`md md-raw ${className}`}>{source}</div>;
  return <Nodes of={nodes} className={`md ${className}`} onClick={followAnchor} />;
}

function followAnchor(e: React.MouseEvent): void {
  const link = e.target instanceof Element ? e.target.closest('a') : null;
  const href = link?.getAttribute('href') ?? '';
  if (!href.startsWith('#')) return;
  e.preventDefault();
  const want = decoded(href.slice(1)).toLowerCase();
  const note = e.currentTarget.querySelector<HTMLElement>(`[data-anchor="${CSS.escape(want)}"]`);
  if (note) {
    note.focus({ preventScroll: true });
    note.scrollIntoView({ block: 'nearest' });
    return;
  }
  const heading = [...document.querySelectorAll<HTMLElement>('[data-heading]')].find((h) => h.dataset.heading?.toLowerCase() === want);
  heading?.scrollIntoView({ block: 'start' });
}

/** A text/latex value. */
export function LatexView({ source }: { source: string }) {
  const [nodes, setNodes] = useState<Node | null>(null);
  useEffect(() => {
    let live = true;
    void import('./math').then((m) => {
      const { tex, display } = texOf(source);
      if (live) setNodes(m.formula(tex, display));
    });
    return () => {
      live = false;
    };
  }, [source]);
  if (nodes === null) return <div className="out out-text">{source}</div>;
  return <Nodes of={nodes} className="out latex" />;
}

/** Shows a copy of these nodes. */
function Nodes({ of, ...props }: { of: Node; className: string; onClick?: (e: React.MouseEvent) => void }) {
  const ref = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => ref.current?.replaceChildren(of.cloneNode(true)), [of]);
  return <div ref={ref} {...props} />;
}
