/** Which folders are open and what they hold. */
import { signal } from '../../ui/signals';
import { folderOf, isNotebook } from '../../ui/words';
import type { Entry, FilesApi } from './api';

export interface TreeState {
  readonly folders: ReadonlyMap<string, readonly Entry[]>;
  readonly expanded: ReadonlySet<string>;
  readonly loaded: boolean;
  readonly error: string;
}

export class FolderTree {
  readonly state = signal<TreeState>({ folders: new Map(), expanded: new Set(), loaded: false, error: '' });
  readonly #files: Pick<FilesApi, 'list'>;

  constructor(files: Pick<FilesApi, 'list'>) {
    this.#files = files;
  }

  /** Opens a folder and all above it. */
  async reveal(folder: string): Promise<void> {
    const parts = folder === '' ? [] : folder.split('/');
    const paths = parts.map((_, i) => parts.slice(0, i + 1).join('/'));
    this.#set({ expanded: new Set([...this.state.get().expanded, ...paths]) });
    await Promise.all(['', ...paths].map((p) => this.#load(p)));
  }

  /** Opens or closes a folder. Says why it cannot be opened, '' when all is well. */
  async toggle(folder: string): Promise<string> {
    const expanded = new Set(this.state.get().expanded);
    if (!expanded.delete(folder)) {
      const why = await this.#load(folder);
      if (why !== '') return why;
      expanded.add(folder);
    }
    this.#set({ expanded });
    return '';
  }

  async refresh(): Promise<void> {
    await Promise.all(['', ...this.state.get().expanded].map((p) => this.#load(p)));
  }

  /** Says why it could not. */
  async #load(folder: string): Promise<string> {
    try {
      const entries = await this.#files.list(folder);
      const { folders } = this.state.get();
      if (folders.get(folder) !== entries || this.state.get().error !== '') this.#set({ folders: new Map(folders).set(folder, entries), loaded: true, error: '' });
      return '';
    } catch (e) {
      const why = e instanceof Error ? e.message : String(e);
      if (folder === '') this.#set({ error: why });
      else this.#forget(folder);
      return why;
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

/** The path under another name, which may begin with folders. A notebook stays one: without its ending it could not be opened. */
export function renamedPath(path: string, name: string): string {
  const whole = isNotebook(path) && !isNotebook(name) ? `${name}.ipynb` : name;
  return [folderOf(path), whole].filter(Boolean).join('/');
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
