import type { Parser } from '@lezer/common';
import { parser as pythonParser } from '@lezer/python';

/** Which grammars there are. Python's is always here, because it is in the static stage of nearly every notebook; others come when asked for. */

const aliases: Readonly<Record<string, string>> = {
  python3: 'python', ipython: 'python', py: 'python', markdown: 'markdown', md: 'markdown', ipythongfm: 'markdown',
  javascript: 'javascript', js: 'javascript', typescript: 'typescript', ts: 'typescript', r: 'r', julia: 'julia',
  bash: 'shell', sh: 'shell', shell: 'shell', zsh: 'shell', ruby: 'ruby', rust: 'rust', go: 'go', lua: 'lua', haskell: 'haskell',
  scala: 'scala', kotlin: 'kotlin', java: 'java', 'c++': 'c++', c: 'c++', octave: 'octave', matlab: 'octave', sql: 'sql', html: 'html', css: 'css',
};

/** The name under which a language is known here; unknown ones are plain text. */
export function languageName(name: string): string {
  return aliases[name.toLowerCase()] ?? name.toLowerCase();
}

const parsers = new Map<string, Parser>([['python', pythonParser]]);
const loading = new Map<string, Promise<Parser | null>>();

export function loadedParser(language: string): Parser | null {
  return parsers.get(languageName(language)) ?? null;
}

export function loadParser(language: string): Promise<Parser | null> {
  const name = languageName(language);
  const here = parsers.get(name);
  if (here) return Promise.resolve(here);
  let promise = loading.get(name);
  if (!promise) {
    promise = import('./grammars').then(async ({ grammar }) => {
      const parser = await grammar(name);
      if (parser) parsers.set(name, parser);
      return parser;
    });
    loading.set(name, promise);
    promise.catch(() => loading.delete(name));
  }
  return promise;
}
