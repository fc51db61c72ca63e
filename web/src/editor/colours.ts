/** Code to coloured pieces, with Python's grammar: a chunk of its own, fetched when the first cells are drawn. Other grammars come when asked for. */
import type { Parser } from '@lezer/common';
import { highlightCode } from '@lezer/highlight';
import { parser as python } from '@lezer/python';
import { tokenClasses, type Span } from './tokens';

const parsers = new Map<string, Parser>([['python', python]]);
const loading = new Map<string, Promise<boolean>>();

/** Lines of spans; null when there is no grammar here by this name. */
export function coloured(source: string, name: string): readonly (readonly Span[])[] | null {
  const parser = parsers.get(name);
  if (!parser) return null;
  const lines: Span[][] = [[]];
  let line: Span[] = lines[0] ?? [];
  highlightCode(source, parser.parse(source), tokenClasses,
    (text, className) => void line.push({ text, className }),
    () => void lines.push((line = [])));
  return lines;
}

/** Whether there is a grammar by this name; then it is here. */
export function load(name: string): Promise<boolean> {
  if (parsers.has(name)) return Promise.resolve(true);
  let promise = loading.get(name);
  if (!promise) {
    promise = import('./grammars').then(async ({ grammar }) => {
      const parser = await grammar(name);
      if (parser) parsers.set(name, parser);
      return parser !== null;
    });
    loading.set(name, promise);
    promise.catch(() => loading.delete(name));
  }
  return promise;
}
