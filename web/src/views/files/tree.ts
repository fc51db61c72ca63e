/** Which folders are open and what they hold. */
import { signal } from '../../ui/signals';
import type { Entry, FilesApi } from './api';

export interface TreeState {
  readonly folders: ReadonlyMap<string, readonly Entry[]>;
  readonly expanded: ReadonlySet<string>;
  readonly loaded: boolean;
  readonly error: string;
}

export class FolderTree {
  readonly state = signal<TreeState>({ folders: new Map(), expanded: new Set(), loaded: false, error: '' });
  readonly #files: FilesApi;

  constructor(files: FilesApi) {
    this.#files = files;
  }

  /** Opens a folder and all above it. */
  async reveal(folder: string): Promise<void> {
    const parts = folder === '' ? [] : folder.split('/');
    const paths = parts.map((_, i) => parts.slice(0, i + 1).join('/'));
    this.#set({ expanded: new Set([...this.state.get().expanded, ...paths]) });
    await Promise.all(['', ...paths].map((p) => this.#load(p)));
  }

  async toggle(folder: string): Promise<void> {
    const expanded = new Set(this.state.get().expanded);
    if (!expanded.delete(folder)) {
      expanded.add(folder);
      await this.#load(folder);
    }
    this.#set({ expanded });
  }

  async refresh(): Promise<void> {
    await Promise.all(['', ...this.state.get().expanded].map((p) => this.#load(p)));
  }

  async #load(folder: string): Promise<void> {
    try {
      const entries = await this.#files.list(folder);
      const { folders } = this.state.get();
      if (folders.get(folder) === entries && this.state.get().error === '') return;
      this.#set({ folders: new Map(folders).set(folder, entries), loaded: true, error: '' });
    } catch (e) {
      if (folder === '') this.#set({ error: e instanceof Error ? e.message : String(e) });
      else this.#forget(folder);
    }
  }

  /** A folder that went away. */
  #forget(folder: string): void {
    const { folders, expanded } = this.state.get();
    const next = new Map(folders);
    next.delete(folder);
    this.#set({ folders: next, expanded: new Set([...expanded].filter((p) => p !== folder)) });
  }

  #set(change: Partial<TreeState>): void {
    this.state.set({ ...this.state.get(), ...change });
  }
}

/** A name that no entry has: "Untitled.ipynb", "Untitled 2.ipynb". */
export function freeName(entries: readonly Entry[], folder: string, name: string): string {
  const dot = name.lastIndexOf('.');
  const [stem, ext] = dot > 0 ? [name.slice(0, dot), name.slice(dot)] : [name, ''];
  const taken = new Set(entries.map((e) => e.name));
  let out = name;
  for (let i = 2; taken.has(out); i++) out = `${stem} ${i}${ext}`;
  return folder ? `${folder}/${out}` : out;
}
