/** The names of languages. */

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
