import { fetched } from '../ui/fetched';
import { languageName } from './languages';
import type { Span } from './tokens';
import './code.css';

/** Longer code is not coloured until it is edited. */
const LONGEST = 200_000;

const fetchColours = fetched(() => import('./colours'));
let colours: typeof import('./colours') | null = null;

/** Lines of spans; plain text until the language's grammar is loaded (see loadGrammar). */
export function highlight(source: string, language: string): readonly (readonly Span[])[] {
  const lines = source.length > LONGEST ? null : colours?.coloured(source, languageName(language));
  return lines ?? source.split('\n').map((text) => (text === '' ? [] : [{ text, className: '' }]));
}

/** Resolves when highlight() knows the language, true; false when there is no grammar for it. */
export async function loadGrammar(language: string): Promise<boolean> {
  colours ??= await fetchColours();
  return colours.load(languageName(language));
}
