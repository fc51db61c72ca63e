import { useEffect, useRef, useState } from 'react';
import type { MarkdownOptions } from './markdown';
import { texOf } from './mathText';

/** What was rendered lately: a cell that comes again is there at once. */
const rendered = new Map<string, string>();

/** Markdown in the page. The source is shown as text for the moment until the renderer is there. */
export function MarkdownView({ source, resolve, colour, className }: MarkdownOptions & { source: string; className?: string }) {
  const ref = useRef<HTMLDivElement>(null);
  const [html, setHtml] = useState<string | null>(() => rendered.get(source) ?? null);
  useEffect(() => {
    let live = true;
    void import('./markdown')
      .then((m) => m.toHtml(source, { resolve, colour }))
      .then((out) => {
        if (rendered.size > 500) rendered.clear();
        rendered.set(source, out);
        if (live) setHtml(out);
      })
      .catch(() => undefined);
    return () => {
      live = false;
    };
  }, [source, resolve, colour]);
  const followAnchor = (e: React.MouseEvent) => {
    const link = e.target instanceof Element ? e.target.closest('a') : null;
    const href = link?.getAttribute('href') ?? '';
    if (!href.startsWith('#')) return;
    e.preventDefault();
    const want = decodeURIComponent(href.slice(1)).toLowerCase();
    const heading = [...document.querySelectorAll<HTMLElement>('[data-heading]')].find((h) => h.dataset.heading?.toLowerCase() === want);
    heading?.scrollIntoView({ block: 'start' });
  };
  if (html === null) return <div className={`md md-raw ${className ?? ''}`}>{source}</div>;
  return <div ref={ref} className={`md ${className ?? ''}`} onClick={followAnchor} dangerouslySetInnerHTML={{ __html: html }} />;
}

/** A text/latex value. */
export function LatexView({ source }: { source: string }) {
  const [html, setHtml] = useState<string | null>(null);
  useEffect(() => {
    let live = true;
    void import('./math').then((m) => {
      const { tex, display } = texOf(source);
      if (live) setHtml(m.formula(tex, display));
    });
    return () => {
      live = false;
    };
  }, [source]);
  if (html === null) return <div className="out out-text">{source}</div>;
  return <div className="out latex" dangerouslySetInnerHTML={{ __html: html }} />;
}
