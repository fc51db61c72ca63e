/** What an editor is given and what it gives. */
import type { Mark } from './marks';

export interface Completion {
  readonly matches: readonly string[];
  readonly start: number;
  readonly end: number;
  readonly types?: readonly (string | undefined)[];
}
export interface EditorOptions {
  /** The accessible name: "Cell 3, code". */
  readonly ariaLabel: string;
  /** python, markdown, javascript, ...: as the kernel or the cell names it. Unknown ones are plain text. */
  readonly language: string;
  /** Handled before the editor's own keys: "Shift-Enter" and so on. True: done. */
  readonly keys: readonly { readonly key: string; readonly run: () => boolean }[];
  readonly lineNumbers?: boolean;
  readonly readOnly?: boolean;
  readonly placeholder?: string;
  onFocus?(): void;
  onBlur?(): void;
  /** The caret is at the first (-1) or last (1) place and an arrow key goes beyond: true when another cell took it. */
  onLeave?(direction: -1 | 1): boolean;
  /** Asks the kernel; null: nothing to say. The editor gives up after 1.5 s. */
  complete?(code: string, cursor: number, signal: AbortSignal): Promise<Completion | null>;
  /** What to show in a tooltip, or null. */
  inspect?(code: string, cursor: number, signal: AbortSignal): Promise<Node | null>;
}
export interface EditorHandle {
  focus(where?: 'start' | 'end' | 'keep'): void;
  setLanguage(language: string): void;
  setAriaLabel(label: string): void;
  setLineNumbers(on: boolean): void;
  /** Selection in UTF-16 code units, for split cell. */
  selection(): { readonly anchor: number; readonly head: number };
  select(anchor: number, head?: number): void;
  /** What the kernel knows of the name at the caret, else less indentation: Shift-Tab. */
  help(): void;
  /** Marks parts of the text, one of them as the current one. */
  setMarks(parts: readonly Mark[], now: Mark | null): void;
  destroy(): void;
}
