/** What an output frame and the code that draws charts in it say to each other. Both sides import this; it holds no code of a library. */

export type Library = 'vega' | 'plotly';

/** How the page looks: its scheme, and its tokens by name. */
export interface Theme {
  readonly scheme: string;
  readonly vars: Readonly<Record<string, string>>;
}

export interface Chart {
  readonly mime: string;
  /** The chart's description, JSON. */
  readonly data: string;
  readonly theme: Theme;
}

/**
 * Draws into an empty box of the frame and is done when all is there; throws what a person is to read. What comes back ends it. What a
 * chart lacks but can do without is told to `miss`.
 */
export type Painter = (box: HTMLElement, chart: Chart, miss: (url: string) => void) => Promise<() => void>;

declare global {
  interface Window {
    /** Of frame.html: takes the painter of a library, and draws what has waited for it. */
    runnelPaint?: (library: Library, painter: Painter) => void;
    /** Of frame.html: has the page open an address. */
    runnelOpen?: (href: string) => void;
  }
}

export type Fields = Readonly<Record<string, unknown>>;

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A field of a value of any kind, by its path. */
export function at(value: unknown, ...path: readonly string[]): unknown {
  let here = value;
  for (const key of path) here = isFields(here) ? here[key] : undefined;
  return here;
}
