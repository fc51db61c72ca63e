/** The folder over HTTP: listing and changing it. Answers are decoded, not trusted. */
import { isNotebook } from '../../ui/words';

export type Running = 'no' | 'starting' | 'idle' | 'running';

export interface Entry {
  readonly name: string;
  readonly path: string;
  readonly kind: 'folder' | 'notebook' | 'file';
  readonly size: number;
  readonly modified: number;
  /** It may not be saved; in a folder nothing may be made. */
  readonly readOnly: boolean;
  /** Whether a notebook has a kernel, and what it does. */
  readonly running: Running;
}

/** A refusal with a sentence for the person. */
export class FilesError extends Error {
  readonly status: number;
  constructor(message: string, status: number) {
    super(message);
    this.status = status;
  }
}

export interface KernelChoice {
  readonly name: string;
  readonly displayName: string;
  readonly language: string;
  readonly environment: string;
  /** False: there is no kernel in this environment; `fix` says the one command. */
  readonly hasKernel: boolean;
  readonly fix: string;
}

export interface Beginning {
  readonly text: string;
  readonly size: number;
}

export interface FilesApi {
  /** The same array as before when nothing has changed. */
  list(folder: string): Promise<readonly Entry[]>;
  /** Its beginning as text, up to `most` bytes of it, and how big it is. */
  read(path: string, most: number): Promise<Beginning>;
  create(path: string): Promise<void>;
  mkdir(path: string): Promise<void>;
  rename(path: string, to: string): Promise<void>;
  /** Into the trash; gives what restore needs. */
  remove(path: string): Promise<string>;
  restore(trashed: string, path: string): Promise<void>;
  upload(path: string, file: Blob): Promise<void>;
  /** Tells when something was changed through here; gives what ends it. */
  onChange(fn: () => void): () => void;
  /** What a notebook in this folder can run on, the best first. */
  kernels(folder: string): Promise<readonly KernelChoice[]>;
}

const str = (v: unknown, fallback = ''): string => (typeof v === 'string' ? v : fallback);
const num = (v: unknown): number => (typeof v === 'number' ? v : 0);
const obj = (v: unknown): Readonly<Record<string, unknown>> => (typeof v === 'object' && v !== null && !Array.isArray(v) ? Object.fromEntries(Object.entries(v)) : {});
const list = (v: unknown): readonly unknown[] => (Array.isArray(v) ? v : []);

/** What a list says of a notebook, by its kernel's state. */
export function runningOf(kernel: string): Running {
  if (kernel === 'busy') return 'running';
  if (kernel === 'starting' || kernel === 'restarting') return 'starting';
  return kernel === '' || kernel === 'none' || kernel === 'dead' ? 'no' : 'idle';
}

export function readEntry(value: unknown, folder: string): Entry | null {
  const o = obj(value);
  const name = str(o.name);
  if (!name) return null;
  const path = str(o.path, folder ? `${folder}/${name}` : name);
  const running = runningOf(str(obj(o.kernel).state));
  return { name, path, kind: o.kind === 'dir' ? 'folder' : isNotebook(name) ? 'notebook' : 'file', size: num(o.size), modified: num(o.modified), readOnly: o.writable === false, running };
}

function readChoice(value: unknown): KernelChoice | null {
  const o = obj(value);
  const name = str(o.name);
  if (!name) return null;
  return { name, displayName: str(o.display_name, name), language: str(o.language), environment: str(o.environment), hasKernel: o.has_kernel !== false, fix: str(o.fix) };
}

const plain = encodeURIComponent;
const byName = new Intl.Collator(undefined, { numeric: true });

async function ask(url: string, init?: RequestInit, also: readonly number[] = []): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(url, { ...init, headers: { Accept: 'application/json', ...init?.headers } });
  } catch {
    throw new FilesError('The server cannot be reached.', 0);
  }
  if (response.ok || also.includes(response.status)) return response;
  const body = await response.text().catch(() => '');
  let said = '';
  try {
    const o = obj(JSON.parse(body));
    said = str(o.error, str(o.message));
  } catch {
    said = body.length < 300 && !body.trimStart().startsWith('<') ? body.trim() : '';
  }
  throw new FilesError(said || `The server answered ${response.status}.`, response.status);
}

/** The API of the server this page came from. */
export function createFilesApi(): FilesApi {
  const lists = new Map<string, { readonly text: string; readonly entries: readonly Entry[] }>();
  const listeners = new Set<() => void>();
  const tell = () => listeners.forEach((fn) => fn());
  const change = async (body: object) => {
    const text = await (await ask('/runnel/v1/files', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) })).text();
    tell();
    return text ? obj(JSON.parse(text)) : {};
  };
  return {
    async list(folder) {
      const text = await (await ask(`/runnel/v1/files?path=${plain(folder)}`)).text();
      const last = lists.get(folder);
      if (last?.text === text) return last.entries;
      const entries = list(obj(JSON.parse(text)).entries).flatMap((e) => readEntry(e, folder) ?? []);
      entries.sort((a, b) => Number(b.kind === 'folder') - Number(a.kind === 'folder') || byName.compare(a.name, b.name));
      lists.set(folder, { text, entries });
      return entries;
    },
    async read(path, most) {
      const answer = await ask(`/runnel/v1/file?path=${plain(path)}`, { headers: { Accept: '*/*', Range: `bytes=0-${most - 1}` } }, [416]);
      // An empty file has no first byte to send.
      if (answer.status === 416) return { text: '', size: 0 };
      const total = /\/(\d+)$/.exec(answer.headers.get('Content-Range') ?? '')?.[1];
      const bytes = await answer.arrayBuffer();
      return { text: new TextDecoder().decode(bytes), size: total === undefined ? bytes.byteLength : Number(total) };
    },
    create: async (path) => void (await change({ op: 'create', path })),
    mkdir: async (path) => void (await change({ op: 'mkdir', path })),
    rename: async (path, to) => void (await change({ op: 'rename', path, to })),
    async remove(path) {
      const o = await change({ op: 'delete', path });
      return str(o.trash, str(o.id, path));
    },
    restore: async (trashed, path) => void (await change({ op: 'restore', path: trashed, to: path })),
    async upload(path, file) {
      await ask(`/runnel/v1/file?path=${plain(path)}`, { method: 'PUT', body: file });
      tell();
    },
    onChange(fn) {
      listeners.add(fn);
      return () => void listeners.delete(fn);
    },
    async kernels(folder) {
      const o = obj(await (await ask(`/runnel/v1/kernels?path=${plain(folder)}`)).json());
      return list(o.choices).flatMap((k) => readChoice(k) ?? []);
    },
  };
}
