// A Runnel server of one's own, with a folder of notebooks made for measuring.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const code = (source, id, outputs = []) => ({ cell_type: 'code', id, metadata: {}, source, outputs, execution_count: outputs.length ? 1 : null });
const markdown = (source, id) => ({ cell_type: 'markdown', id, metadata: {}, source });
const notebook = (cells) => JSON.stringify({
  cells, metadata: { kernelspec: { name: 'python3', display_name: 'Python 3', language: 'python' } }, nbformat: 4, nbformat_minor: 5,
});

const prints = (n) => `import time\nfor _ in range(${n}):\n    print(repr(time.time()))\n    time.sleep(0.05)\nprint('end')`;

const flood = "line = 'x' * 99\nwhile True:\n    print(line)";
const bar = (n) => `import time
begin = time.perf_counter()
for i in range(${n}):
    while time.perf_counter() < begin + i / 1000:
        pass
    print(f"\\r{time.time():.4f} {'#' * 40}", end="")`;

/** A thousand cells as people write them: text, code, and code with output. */
function large() {
  const cells = [];
  for (let i = 0; i < 1000; i++) {
    const id = `cell-${i}`;
    if (i % 4 === 0) cells.push(markdown(`## Part ${i}\n\nSome words about **what** follows, with \`code\` in them.`, id));
    else if (i % 4 === 1) cells.push(code(`def f_${i}(x, y=${i}):\n    """Say what it is."""\n    return [x * k for k in range(y)]\n\nf_${i}(3)[:5]`, id));
    else cells.push(code(`for k in range(3):\n    print("step", k, ${i})`, id, [{ output_type: 'stream', name: 'stdout', text: `step 0 ${i}\nstep 1 ${i}\nstep 2 ${i}\n` }]));
  }
  return notebook(cells);
}

/** The kernel of the tests, where it was made (`make test-env`); else the server finds or makes one. */
const python = join(import.meta.dirname, '../../.cache/py-ipykernel7/bin/python');

const freePort = () => new Promise((resolve, reject) => {
  const server = createServer();
  server.once('error', reject);
  server.listen(0, '127.0.0.1', () => {
    const { port } = server.address();
    server.close(() => resolve(port));
  });
});

/** Starts `binary serve`; stop() ends kernels and server and removes all files. */
export async function start(binary, { printed = 200, updates = 5000 } = {}) {
  const root = await mkdtemp(join(tmpdir(), 'rb'));
  const folder = join(root, 'notebooks');
  await mkdir(folder);
  await writeFile(join(folder, 'prints.ipynb'), notebook([code(prints(printed), 'prints')]));
  await writeFile(join(folder, 'keys.ipynb'), notebook([code('# type here\n', 'keys'), markdown('# Words', 'words'), code('1 + 1', 'second')]));
  await writeFile(join(folder, 'large.ipynb'), large());
  await writeFile(join(folder, 'ask.ipynb'), notebook([code("for i in range(300): print('line', i)", 'long'), markdown('# Words\n\n'.repeat(60), 'words'), code("input('Name: ')", 'ask')]));
  await writeFile(join(folder, 'flood.ipynb'), notebook([code(flood, 'flood'), code('# type here\n', 'keys')]));
  await writeFile(join(folder, 'bar.ipynb'), notebook([code(bar(updates), 'bar')]));
  const token = 'bench-0123456789abcdef';
  const port = await freePort();
  const env = { ...process.env, RUNNEL_STATE_DIR: join(root, 's') };
  const server = spawn(binary, ['serve', folder, '--port', String(port), '--token', token, '--no-browser', ...(existsSync(python) ? ['--python', python] : [])], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let log = '';
  server.stdout.on('data', (d) => { log += d; });
  server.stderr.on('data', (d) => { log += d; });
  const ended = new Promise((resolve) => server.once('exit', resolve));
  const origin = `http://127.0.0.1:${port}`;
  for (let tries = 0; ; tries++) {
    const ok = await fetch(`${origin}/healthz`).then((r) => r.ok, () => false);
    if (ok) break;
    if (tries > 400 || server.exitCode !== null) throw new Error(`the server does not answer:\n${log}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return {
    origin, token,
    async stop() {
      await new Promise((resolve) => spawn(binary, ['kernels', 'stop', '--all', '--force', '--folder', folder], { env }).once('exit', resolve));
      server.kill('SIGTERM');
      await ended;
      await rm(root, { recursive: true, force: true });
    },
  };
}
