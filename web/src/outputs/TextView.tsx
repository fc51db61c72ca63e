import { useLayoutEffect, useRef } from 'react';
import { nodeOf, parse, START } from './ansi';

/** Text with its colours, for where there is no component. */
export function coloured(text: string): DocumentFragment {
  const all = document.createDocumentFragment();
  all.append(...parse(text, START).spans.map(nodeOf));
  return all;
}

/** Text that does not grow, colours included. */
export function TextView({ text, className }: { text: string; className?: string }) {
  const ref = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    ref.current?.replaceChildren(coloured(text));
  }, [text]);
  return <div ref={ref} className={className ?? 'out-text'} />;
}
