/**
 * Which of an output's media types is shown, by whom, and where. The lane says what the content may do: `page` is drawn by our own
 * code from data; `frame` is somebody's HTML or script and only ever lives in a sandboxed frame of another origin; `widget` has such
 * a frame of its own.
 */

export type Renderer = 'html' | 'javascript' | 'markdown' | 'latex' | 'svg' | 'image' | 'json' | 'text' | 'widget' | 'vega' | 'plotly';
export type Lane = 'page' | 'frame' | 'widget';

export interface Choice {
  readonly mime: string;
  readonly renderer: Renderer;
  readonly lane: Lane;
}

interface Row {
  readonly mime: RegExp;
  readonly renderer: Renderer;
}

export const WIDGET_VIEW = 'application/vnd.jupyter.widget-view+json';

/** Charts, by the library that draws them. */
const CHARTS: readonly Row[] = [
  { mime: /^application\/vnd\.vegalite\.v\d[\d.]*[+.]json$/, renderer: 'vega' },
  { mime: /^application\/vnd\.vega\.v\d[\d.]*[+.]json$/, renderer: 'vega' },
  { mime: /^application\/vnd\.plotly\.v\d[\d.]*[+.]json$/, renderer: 'plotly' },
];

/** From the richest to the plainest; the first that an output has is shown. */
const TABLE: readonly Row[] = [
  { mime: /^application\/vnd\.jupyter\.widget-view\+json$/, renderer: 'widget' },
  { mime: /^text\/html$/, renderer: 'html' },
  { mime: /^text\/markdown$/, renderer: 'markdown' },
  { mime: /^text\/latex$/, renderer: 'latex' },
  { mime: /^image\/svg\+xml$/, renderer: 'svg' },
  { mime: /^image\/(png|jpeg|gif|webp|bmp|avif)$/, renderer: 'image' },
  { mime: /^application\/javascript$|^text\/javascript$/, renderer: 'javascript' },
  { mime: /^application\/json$|^application\/geo\+json$/, renderer: 'json' },
  { mime: /^text\/plain$/, renderer: 'text' },
  { mime: /^application\/.*\+json$/, renderer: 'json' },
  { mime: /^text\//, renderer: 'text' },
];

/** The choice for a bundle; null when there is nothing that can be shown. Charts are for where their libraries can be had. */
export function choose(data: Readonly<Record<string, unknown>>, { charts = false } = {}): Choice | null {
  const mimes = Object.keys(data);
  for (const row of charts ? [...CHARTS, ...TABLE] : TABLE) {
    const mime = mimes.find((m) => row.mime.test(m));
    if (mime !== undefined) return { mime, renderer: row.renderer, lane: laneOf(row.renderer, data[mime]) };
  }
  return null;
}

function laneOf(renderer: Renderer, value: unknown): Lane {
  if (renderer === 'widget') return 'widget';
  if (renderer === 'html' || renderer === 'javascript' || renderer === 'vega' || renderer === 'plotly') return 'frame';
  return renderer === 'svg' && isActiveSvg(textOf(value)) ? 'frame' : 'page';
}

/** Whether an SVG wants to do more than be a picture. */
export function isActiveSvg(source: string): boolean {
  return /<script|<foreignObject|\son\w+\s*=|javascript:/i.test(source);
}

/** A MIME value as text: nbformat keeps long ones as lists of lines. */
export function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  if (Array.isArray(value)) return value.filter((v) => typeof v === 'string').join('');
  return value === null || value === undefined ? '' : JSON.stringify(value);
}

export interface Segment<T> {
  readonly lane: Lane;
  readonly items: readonly T[];
}

/** Neighbouring outputs of the frame lane share one frame; every other output stands alone. */
export function segments<T>(items: readonly T[], lane: (item: T) => Lane): Segment<T>[] {
  const out: { lane: Lane; items: T[] }[] = [];
  for (const item of items) {
    const where = lane(item);
    const last = out.at(-1);
    if (where === 'frame' && last?.lane === 'frame') last.items.push(item);
    else out.push({ lane: where, items: [item] });
  }
  return out;
}
