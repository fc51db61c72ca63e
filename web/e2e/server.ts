/** A Runnel server of one's own: the built binary, an empty state, a temporary folder. Nothing of it is left after stop(). */
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '../..');
const binary = process.env.RUNNEL_BIN ?? join(root, 'bin/runnel');
export const python = join(root, '.cache/py-ipykernel7/bin/python');
const fake = join(root, 'bin/fakekernel');

/** What a notebook runs on. The scripted kernel does what its cells say (internal/jupyter/jupytertest), at once and each time the same. */
const kernels = {
  python: { name: 'python3', display_name: 'Python 3', language: 'python' },
  script: { name: 'script', display_name: 'Script', language: 'script' },
} as const;
export type KernelName = keyof typeof kernels;

interface Spec {
  readonly name: string;
  readonly display_name: string;
  readonly language: string;
}

export interface Code {
  readonly id: string;
  readonly source: string;
  readonly type?: 'code' | 'markdown';
}

export class Server {
  readonly folder: string;
  /** What up() starts it with. */
  token = 'e2e-0123456789abcdef';
  origin = '';
  readonly #base: string;
  readonly #args: readonly string[];
  #process: ChildProcess | null = null;
  #log = '';

  private constructor(base: string, args: readonly string[]) {
    this.#base = base;
    this.folder = join(base, 'notebooks');
    this.#args = args;
  }

  static async start(args: readonly string[] = []): Promise<Server> {
    for (const [what, path, how] of [['the program', binary, 'make build'], ['the scripted kernel', fake, 'make e2e'], ['the tests’ Python', python, 'make test-env']] as const) {
      if (!existsSync(path)) throw new Error(`${what} is not there (${path}): ${how}`);
    }
    const server = new Server(await mkdtemp(join(tmpdir(), 'runnel-e2e-')), args);
    await mkdir(server.folder);
    await server.install({ argv: [fake, '{connection_file}'], ...kernels.script });
    await server.up();
    return server;
  }

  /** One more kernel to choose. */
  async install(spec: Spec & { readonly argv: readonly string[] }): Promise<void> {
    const folder = join(this.#jupyter, 'kernels', spec.name);
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'kernel.json'), JSON.stringify(spec));
  }

  get #jupyter(): string {
    return join(this.#base, 'jupyter');
  }

  /** An empty home, and few interpreters to look at. */
  get #env(): NodeJS.ProcessEnv {
    const own = { HOME: this.#base, PATH: '/usr/bin:/bin', PYENV_ROOT: '', RUNNEL_STATE_DIR: join(this.#base, 'state'), JUPYTER_PATH: this.#jupyter };
    return { ...process.env, ...own };
  }

  async up(): Promise<void> {
    const port = this.origin === '' ? '0' : new URL(this.origin).port;
    const args = ['serve', this.folder, '--port', port, '--token', this.token, '--no-browser', '--python', python, ...this.#args];
    const process_ = spawn(binary, args, { env: this.#env, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#process = process_;
    this.origin = await new Promise<string>((found, failed) => {
      const read = (data: Buffer) => {
        this.#log += data.toString();
        const url = /http:\/\/127\.0\.0\.1:\d+/.exec(this.#log.slice(-2000));
        if (url) found(url[0]);
      };
      process_.stdout?.on('data', read);
      process_.stderr?.on('data', (data: Buffer) => (this.#log += data.toString()));
      process_.once('exit', (code) => failed(new Error(`the server ended with ${code}:\n${this.#log}`)));
    });
  }

  /** As a crash: no farewell, kernels stay. */
  async kill(): Promise<void> {
    const ended = new Promise((done) => this.#process?.once('exit', done));
    this.#process?.kill('SIGKILL');
    await ended;
    this.#log = '';
  }

  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#process?.kill(signal);
  }

  /** The processes beside the kernels. */
  async keepers(): Promise<number[]> {
    const state = join(this.#base, 'state');
    const all = (await readdir(state, { recursive: true })).filter((name) => name.endsWith('/keeper.json'));
    const keepers: { pid: number }[] = await Promise.all(all.map(async (name) => JSON.parse(await readFile(join(state, name), 'utf8'))));
    return keepers.map((k) => k.pid);
  }

  async notebook(name: string, cells: readonly Code[], kernel: KernelName | Spec): Promise<string> {
    const all = cells.map((c) =>
      c.type === 'markdown'
        ? { cell_type: 'markdown', id: c.id, metadata: {}, source: c.source }
        : { cell_type: 'code', id: c.id, metadata: {}, source: c.source, outputs: [], execution_count: null },
    );
    await writeFile(join(this.folder, name), JSON.stringify({ cells: all, metadata: { kernelspec: typeof kernel === 'string' ? kernels[kernel] : kernel }, nbformat: 4, nbformat_minor: 5 }));
    return name;
  }

  read(name: string): Promise<string> {
    return readFile(join(this.folder, name), 'utf8');
  }

  url(notebook: string): string {
    return `${this.origin}/?notebook=${encodeURIComponent(notebook)}`;
  }

  /** Kernels first, so that none is left to its keeper; then the server and all files. */
  async stop(): Promise<void> {
    const process_ = this.#process;
    await new Promise((done) => spawn(binary, ['kernels', 'stop', '--all', '--force', '--folder', this.folder], { env: this.#env, stdio: 'ignore' }).once('exit', done));
    if (process_ && process_.exitCode === null && process_.signalCode === null) {
      const ended = new Promise((done) => process_.once('exit', done));
      process_.kill('SIGTERM');
      await ended;
    }
    await rm(this.#base, { recursive: true, force: true });
  }
}
