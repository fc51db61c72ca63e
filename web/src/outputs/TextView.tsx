import { useLayoutEffect, useRef } from 'react';
import { nodeOf, parse, START } from './ansi';

/** Text that does not grow, colours included. */
export function TextView({ text, className }: { text: string; className?: string }) {
  const ref = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    ref.current?.replaceChildren(...parse(text, START).spans.map(nodeOf));
  }, [text]);
  return <div ref={ref} className={className ?? 'out-text'} />;
}
