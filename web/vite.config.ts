import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import react from '@vitejs/plugin-react';
import { defineConfig, type Plugin } from 'vite';

/** KaTeX names each font in three formats; every browser that runs this page reads the first. */
const woff2Only: Plugin = {
  name: 'woff2-only',
  enforce: 'pre',
  transform: (code, id) => (/katex[^?]*\.css/.test(id) ? code.replace(/,\s*url\([^)]*\.(?:woff|ttf)\)\s*format\([^)]*\)/g, '') : undefined),
};

/** Nothing in an output frame can be fetched: the icons of buttons are in the frame's own sheet, in the one format that is read. */
const iconsInside: Plugin = {
  name: 'icons-inside',
  enforce: 'pre',
  transform(code, id) {
    if (!/widgets\/icons\.css/.test(id)) return undefined;
    const folder = join(import.meta.dirname, 'node_modules/font-awesome');
    const font = readFileSync(join(folder, 'fonts/fontawesome-webfont.woff2')).toString('base64');
    const face = `@font-face { font-family: FontAwesome; src: url(data:font/woff2;base64,${font}) format('woff2'); }`;
    return code.replace(/@import [^;]+;/, face + readFileSync(join(folder, 'css/font-awesome.min.css'), 'utf8').replace(/@font-face\s*\{[^}]*\}/, ''));
  },
};

/** The editor's chunks, by name: the page has them fetched when its first cells are drawn and coloured (ui/fetched.ts). */
const editorLater: Plugin = {
  name: 'editor-later',
  transformIndexHtml: {
    order: 'post',
    handler(_, { path, bundle, chunk }) {
      if (path !== '/index.html' || !bundle) return undefined;
      const editor = Object.values(bundle).find((c) => c.type === 'chunk' && c.facadeModuleId?.endsWith('/src/editor/index.ts'));
      if (editor?.type !== 'chunk') throw new Error('src/editor/index.ts is not a chunk of its own');
      const first = [chunk?.fileName, ...(chunk?.imports ?? [])];
      const files = [editor.fileName, ...editor.imports].filter((file) => !first.includes(file));
      return files.map((file) => ({ tag: 'link', attrs: { rel: 'later', crossorigin: true, href: `/${file}` }, injectTo: 'head' as const }));
    },
  },
};

/**
 * The page is served by the Runnel binary at /, from files with hashed names: nothing inline (the policy is script-src 'self'),
 * nothing from elsewhere. frame.html is the page of the sandboxed output frames; it shares no chunk with the notebook's page,
 * because its origin is opaque and its budget its own.
 */
export default defineConfig({
  plugins: [react(), woff2Only, editorLater],
  base: '/',
  resolve: { dedupe: ['@codemirror/state', '@codemirror/view', '@lezer/common'] },
  worker: { format: 'es', plugins: () => [iconsInside] },
  server: { port: 5173, proxy: { '/ws': { target: 'ws://127.0.0.1:8000', ws: true }, '/runnel': 'http://127.0.0.1:8000', '/login': 'http://127.0.0.1:8000' } },
  build: {
    target: 'es2022',
    outDir: 'dist',
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    manifest: true,
    reportCompressedSize: false,
    rollupOptions: { input: { index: 'index.html', frame: 'frame.html' } },
  },
});
