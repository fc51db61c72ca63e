/**
 * One definition per command: it feeds the keys, the palette, the menus and the sheet of shortcuts. A key is looked up among the
 * commands whose `when` fits where the person is.
 */
import { match, type KeyLike } from '../../ui/keys';

/** Where the keyboard is: in an editor, on a cell, or somewhere else (`page`). */
export type Place = 'edit' | 'command' | 'page';
/** `notebook` is both of a notebook's modes, `always` everywhere, `palette` nowhere by key. */
export type When = 'command' | 'edit' | 'notebook' | 'always' | 'palette';

export interface Command<C> {
  readonly id: string;
  readonly title: string;
  readonly group: string;
  readonly keys: readonly string[];
  readonly when: When;
  /** Other words that find it in the palette. */
  readonly also?: string;
  /** Left to the editor first: done only when the editor has no use for the key (Escape closes its list). */
  readonly afterEditor?: boolean;
  readonly enabled?: (context: C) => boolean;
  readonly run: (context: C) => void;
}

export function fits(when: When, place: Place): boolean {
  if (when === 'always') return true;
  if (when === 'notebook') return place !== 'page';
  return when === place;
}

const SEQUENCE_MS = 1000;

export type KeyResult<C> = { readonly command: Command<C> } | 'waiting' | null;

/** Finds the command of what is pressed, sequences like `D D` included. */
export class KeyReader<C> {
  readonly #commands: readonly Command<C>[];
  #pressed: KeyLike[] = [];
  #at = 0;

  constructor(commands: readonly Command<C>[]) {
    this.#commands = commands;
  }

  press(e: KeyLike, place: Place, now: number): KeyResult<C> {
    if (now - this.#at > SEQUENCE_MS) this.#pressed = [];
    this.#at = now;
    const sequence = [...this.#pressed, e];
    const found = this.#find(sequence, place) ?? (sequence.length > 1 ? this.#find([e], place) : null);
    if (found === 'waiting') {
      this.#pressed = this.#find(sequence, place) === 'waiting' ? sequence : [e];
      return found;
    }
    this.#pressed = [];
    return found;
  }

  /** A full match wins over the beginning of a longer one. */
  #find(pressed: readonly KeyLike[], place: Place): KeyResult<C> {
    let waiting = false;
    for (const command of this.#commands) {
      if (!fits(command.when, place)) continue;
      for (const binding of command.keys) {
        const how = match(binding, pressed);
        if (how === 'full') return { command };
        waiting ||= how === 'partial';
      }
    }
    return waiting ? 'waiting' : null;
  }
}

/** Groups as somebody looks through them who does not know the name: moving about is done by keys. */
const GROUPS = ['Run', 'Kernel', 'Cell', 'Cell type', 'Find', 'View', 'File', 'Write', 'Move'];

/** In the order of the groups, those used lately first. */
export function forBrowsing<C>(commands: readonly Command<C>[], used: readonly string[]): readonly Command<C>[] {
  const rank = (c: Command<C>) => (used.includes(c.id) ? used.indexOf(c.id) - used.length : GROUPS.indexOf(c.group));
  return [...commands].sort((a, b) => rank(a) - rank(b));
}

/** The commands whose title or other words hold all words of the query, the best first. */
export function search<C>(commands: readonly Command<C>[], query: string): readonly Command<C>[] {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return commands;
  const scored = commands.flatMap((command) => {
    const title = command.title.toLowerCase();
    const all = `${title} ${command.group.toLowerCase()} ${command.also ?? ''}`;
    if (!words.every((w) => all.includes(w))) return [];
    const first = words[0] ?? '';
    const score = title.startsWith(first) ? 0 : title.includes(` ${first}`) ? 1 : title.includes(first) ? 2 : 3;
    return [{ command, score }];
  });
  return scored.sort((a, b) => a.score - b.score).map((s) => s.command);
}
