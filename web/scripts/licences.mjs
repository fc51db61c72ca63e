// Writes dist/licences.txt: whose work is inside the binary, and on what terms. The page's packages as the lock file has them,
// the program's Go modules as its imports need them.
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const web = join(import.meta.dirname, '..');

/** The terms that lie in a package's folder. */
function terms(folder) {
  const files = readdirSync(folder).filter((name) => /^(licen[cs]e|copying|notice|ofl)/i.test(name)).sort();
  return files.map((name) => readFileSync(join(folder, name), 'utf8').trim()).join('\n\n');
}

function pagePackages() {
  const { packages } = JSON.parse(readFileSync(join(web, 'package-lock.json'), 'utf8'));
  return Object.entries(packages)
    .filter(([path, info]) => path !== '' && !info.dev && !info.optional)
    .map(([path, info]) => ({ name: path.replace(/^.*node_modules\//, ''), version: info.version, folder: join(web, path), licence: info.license }));
}

function goModules() {
  const format = '{{with .Module}}{{if not .Main}}{{.Path}}\t{{.Version}}\t{{.Dir}}{{end}}{{end}}';
  const listed = execFileSync('go', ['list', '-deps', '-f', format, './cmd/runnel'], { cwd: join(web, '..'), encoding: 'utf8' });
  return [...new Set(listed.split('\n').filter(Boolean))].map((line) => {
    const [name, version, folder] = line.split('\t');
    return { name, version, folder };
  });
}

function section(p) {
  const text = terms(p.folder) || (p.licence && `${p.licence} (the package has no file with the terms)`);
  if (!text) throw new Error(`${p.name} ${p.version} says nothing about its licence`);
  return `${'='.repeat(80)}\n${p.name} ${p.version}\n\n${text}\n`;
}

const all = [...goModules(), ...pagePackages()].sort((a, b) => a.name.localeCompare(b.name));
const go = { name: 'The Go programming language', version: '', folder: execFileSync('go', ['env', 'GOROOT'], { encoding: 'utf8' }).trim() };
const head = 'Runnel is under the Apache License 2.0. Inside it is the work of others, on the terms below.\n\n';
writeFileSync(join(web, 'dist', 'licences.txt'), head + [go, ...all].map(section).join('\n'));
