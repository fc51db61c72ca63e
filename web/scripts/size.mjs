// Checks how much JavaScript the page needs, gzip, from the build's manifest: until a notebook of code and Markdown is readable, and until it can be typed in.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

const dist = join(import.meta.dirname, '..', 'dist');
const manifest = JSON.parse(readFileSync(join(dist, '.vite', 'manifest.json'), 'utf8'));
const kilobyte = 1024;
const size = (file) => gzipSync(readFileSync(join(dist, file)), { level: 9 }).length;

/** The files of an entry and of what it imports statically. */
function closure(names, files = { js: new Set(), css: new Set() }) {
  for (const name of names) {
    const chunk = manifest[name];
    if (!chunk || files.js.has(chunk.file)) continue;
    files.js.add(chunk.file);
    for (const css of chunk.css ?? []) files.css.add(css);
    closure(chunk.imports ?? [], files);
  }
  return files;
}
const sum = (files) => [...files].reduce((total, file) => total + size(file), 0);

const shown = ['index.html', 'src/outputs/markdown.ts'];
const readable = closure(shown);
const typed = closure([...shown, 'src/editor/colours.ts', 'src/editor/index.ts']);

const worker = readFileSync(join(dist, 'index.html'), 'utf8').length > 0 ? workers() : [];
function workers() {
  const main = readFileSync(join(dist, manifest['index.html'].file), 'utf8');
  return [...new Set([...main.matchAll(/assets\/worker-[\w-]+\.js/g)].map((m) => m[0]))];
}
const shared = sum(worker);

const lines = [
  ['JavaScript until readable', sum(readable.js) + shared, 200 * kilobyte],
  ['JavaScript until typeable', sum(typed.js) + shared, 320 * kilobyte],
  ['CSS', sum(typed.css), 25 * kilobyte],
];
let failed = false;
for (const [what, bytes, most] of lines) {
  const over = bytes > most;
  failed ||= over;
  console.log(`${over ? '✗' : '✓'} ${what}: ${(bytes / kilobyte).toFixed(1)} KB gzip (at most ${most / kilobyte})`);
}
if (process.argv.includes('--files')) for (const file of typed.js) console.log(`  ${(size(file) / kilobyte).toFixed(1)} KB ${file}`);
process.exitCode = failed ? 1 : 0;
