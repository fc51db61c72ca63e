import { LanguageSupport, StreamLanguage } from '@codemirror/language';
import { streams } from './grammars';

/** Language support of the editor beside Python's. */
export async function support(name: string): Promise<LanguageSupport | null> {
  const stream = streams[name];
  if (stream) return new LanguageSupport(StreamLanguage.define(await stream()));
  switch (name) {
    case 'markdown': {
      const { markdown, markdownLanguage } = await import('@codemirror/lang-markdown');
      return markdown({ base: markdownLanguage });
    }
    case 'html': return (await import('@codemirror/lang-html')).html();
    case 'css': return (await import('@codemirror/lang-css')).css();
    case 'javascript': return (await import('@codemirror/lang-javascript')).javascript();
    case 'typescript': return (await import('@codemirror/lang-javascript')).javascript({ typescript: true });
    default: return null;
  }
}
