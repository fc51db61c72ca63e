import { highlightCode } from '@lezer/highlight';
import { loadedParser, loadParser } from './languages';
import { tokenClasses } from './tokens';
import './code.css';

/** A piece of code and the class names of its colour (same ones as in the live editor); class '' is plain. */
export interface Span {
  readonly text: string;
  readonly className: string;
}

/** Longer code is not coloured until it is edited. */
const LONGEST = 200_000;

/** Lines of spans; plain text until the language's grammar is loaded (see loadGrammar). */
export function highlight(source: string, language: string): readonly (readonly Span[])[] {
  const parser = source.length > LONGEST ? null : loadedParser(language);
  if (!parser) return source.split('\n').map((text) => (text === '' ? [] : [{ text, className: '' }]));
  const lines: Span[][] = [[]];
  let line: Span[] = lines[0] ?? [];
  highlightCode(source, parser.parse(source), tokenClasses,
    (text, className) => void line.push({ text, className }),
    () => void lines.push((line = [])));
  return lines;
}

/** Resolves when highlight() knows the language, true; false when there is no grammar for it. */
export async function loadGrammar(language: string): Promise<boolean> {
  return (await loadParser(language)) !== null;
}
