/** What the page and the widgets' code in an output frame say to each other. Both sides import this; it holds no code of the library. */

/** A buffer of a model's state, at its path. */
export interface ModelBuffer {
  readonly path: readonly (string | number)[];
  readonly data: ArrayBuffer;
}

/** What changed of a model; all of it for one that the frame does not have. */
export interface ModelChange {
  readonly state: Readonly<Record<string, unknown>>;
  readonly buffers: readonly ModelBuffer[];
  /** Whether its kernel lives: only then is anything sent. */
  readonly live: boolean;
}

/** Page to frame. `models` comes in an order that does not matter; all that `root` needs is in the first. */
export type ToWidgets =
  | { readonly runnel: 'frame'; readonly kind: 'models'; readonly root: string; readonly models: Readonly<Record<string, ModelChange>>; readonly closed: readonly string[] }
  | { readonly runnel: 'frame'; readonly kind: 'model_said'; readonly id: string; readonly content: unknown; readonly buffers: readonly ArrayBuffer[] }
  | { readonly runnel: 'frame'; readonly kind: 'model_sent'; readonly token: number };

/** Frame to page: a change that a person made (`state`), or a message of a view (`content`). Answered by model_sent. */
export interface FromWidgets {
  readonly kind: 'model';
  readonly id: string;
  readonly token: number;
  readonly state?: Readonly<Record<string, unknown>>;
  readonly content?: unknown;
  readonly buffers: readonly ModelBuffer[];
}

/** The modules whose models the frame's code has. */
export const KNOWN_MODULES: readonly string[] = ['@jupyter-widgets/base', '@jupyter-widgets/controls', '@jupyter-widgets/output', 'anywidget'];
