import type { Parser } from '@lezer/common';
import { StreamLanguage, type StreamParser } from '@codemirror/language';

/** The grammars beside Python's, each in a chunk of its own. */
export async function grammar(name: string): Promise<Parser | null> {
  const stream = streams[name];
  if (stream) return StreamLanguage.define(await stream()).parser;
  const parser = parsers[name];
  return parser ? parser() : null;
}

const parsers: Readonly<Record<string, () => Promise<Parser>>> = {
  markdown: async () => (await import('@codemirror/lang-markdown')).markdownLanguage.parser,
  html: async () => (await import('@codemirror/lang-html')).htmlLanguage.parser,
  css: async () => (await import('@codemirror/lang-css')).cssLanguage.parser,
  javascript: async () => (await import('@codemirror/lang-javascript')).javascriptLanguage.parser,
  typescript: async () => (await import('@codemirror/lang-javascript')).typescriptLanguage.parser,
};

export const streams: Readonly<Record<string, () => Promise<StreamParser<unknown>>>> = {
  r: async () => (await import('@codemirror/legacy-modes/mode/r')).r,
  julia: async () => (await import('@codemirror/legacy-modes/mode/julia')).julia,
  shell: async () => (await import('@codemirror/legacy-modes/mode/shell')).shell,
  ruby: async () => (await import('@codemirror/legacy-modes/mode/ruby')).ruby,
  rust: async () => (await import('@codemirror/legacy-modes/mode/rust')).rust,
  go: async () => (await import('@codemirror/legacy-modes/mode/go')).go,
  lua: async () => (await import('@codemirror/legacy-modes/mode/lua')).lua,
  haskell: async () => (await import('@codemirror/legacy-modes/mode/haskell')).haskell,
  octave: async () => (await import('@codemirror/legacy-modes/mode/octave')).octave,
  sql: async () => (await import('@codemirror/legacy-modes/mode/sql')).standardSQL,
  scala: async () => (await import('@codemirror/legacy-modes/mode/clike')).scala,
  kotlin: async () => (await import('@codemirror/legacy-modes/mode/clike')).kotlin,
  java: async () => (await import('@codemirror/legacy-modes/mode/clike')).java,
  'c++': async () => (await import('@codemirror/legacy-modes/mode/clike')).cpp,
};
