// Makes cases.json: random change sets with what the real @codemirror/state makes of them. To run it again, with the version
// that web/package.json pins:
//
//   dir=$(mktemp -d); npm install --prefix "$dir" @codemirror/state@6.7.6
//   CODEMIRROR="$dir" node internal/changes/testdata/generate.mjs > internal/changes/testdata/cases.json
//
// Each case is a list: the text, the sets a and b of it, the set c of a's result; then apply(a), a mapped over b (before false,
// true), b mapped over a (false, true), a composed with c, a inverted.
import { createRequire } from 'node:module';
import { join } from 'node:path';

const { ChangeSet, Text } = createRequire(join(process.env.CODEMIRROR, 'index.js'))('@codemirror/state');

let seed = 20260923;
function random(n) {
  seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
  return Math.floor((seed / 2 ** 32) * n);
}

const pieces = ['a', 'b', 'c', ' ', '\n', '\n\n', 'é', '→', '😀', '👩‍👩‍👧', '\u2028', '\u2029', '"', '\\', '\t', '𝒳', 'x = 1\n', 'print(x)'];
function text(max) {
  let s = '';
  for (let n = random(max + 1); n > 0; n--) s += pieces[random(pieces.length)];
  return s;
}

// A place that cuts no surrogate pair in two.
function place(s, from, to = s.length) {
  const at = from + random(Math.min(to, s.length) - from + 1);
  return at > from && at < s.length && /[\udc00-\udfff]/.test(s[at]) ? at - 1 : at;
}

function changes(s, max) {
  const specs = [];
  let at = 0;
  for (let n = random(max + 1); n > 0 && at <= s.length; n--) {
    const from = place(s, at);
    const to = random(3) ? place(s, from, from + 6) : from;
    const insert = random(3) ? text(3) : '';
    specs.push({ from, to: Math.max(from, to), insert: Text.of(insert.split('\n')) });
    at = Math.max(from, to);
  }
  return ChangeSet.of(specs, s.length);
}

const apply = (set, s) => set.apply(Text.of(s.split('\n'))).toString();
const rows = [];
for (let i = 0; i < 2000; i++) {
  const s = text(i % 10 ? 8 : 40);
  const a = changes(s, 4), b = changes(s, 4);
  const made = apply(a, s);
  const c = changes(made, 4);
  rows.push(JSON.stringify([s, a, b, c, made, a.map(b), a.map(b, true), b.map(a), b.map(a, true), a.compose(c),
    a.invert(Text.of(s.split('\n')))]));
}
process.stdout.write('[\n' + rows.join(',\n') + '\n]\n');
