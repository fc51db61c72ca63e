import { LanguageSupport } from '@codemirror/language';
import { python } from '@codemirror/lang-python';
import { languageName } from './languages';

/** The language of a live editor: its grammar with indentation and comments. Python's is here at once, others when loaded. */
export function loadLanguage(name: string): LanguageSupport | null | Promise<LanguageSupport | null> {
  const language = languageName(name);
  if (language === 'python') return python();
  if (language === '' || language === 'text' || language === 'raw') return null;
  return import('./supports').then(({ support }) => support(language));
}
