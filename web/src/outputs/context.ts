import { createContext } from 'react';
import type { NotebookView } from '../notebook/model';

/** What outputs need from around them. */
export interface OutputSurroundings {
  /** Path of the notebook: downloads and relative links are against it. */
  readonly notebook: () => string;
  /** Shows the cell that has this execution count; false when there is none. */
  readonly jumpToCount: (count: number) => boolean;
  /** Gives the keyboard back to the cell. */
  readonly leaveFrame: () => void;
  /** The models of widgets; null where none can be shown. */
  readonly widgets: Pick<NotebookView, 'widgets' | 'kernel' | 'ready' | 'changeWidget' | 'on'> | null;
}

export const Surroundings = createContext<OutputSurroundings>({ notebook: () => '', jumpToCount: () => false, leaveFrame: () => undefined, widgets: null });

/** Where a file beside the notebook is served. */
export function fileUrl(notebook: string, relative: string): string {
  const folder = notebook.includes('/') ? notebook.slice(0, notebook.lastIndexOf('/') + 1) : '';
  const parts: string[] = [];
  for (const part of `${folder}${relative}`.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return `/runnel/v1/file?path=${encodeURIComponent(parts.join('/'))}`;
}

export const outputUrl = (notebook: string, output: string): string =>
  `/runnel/v1/outputs?notebook=${encodeURIComponent(notebook)}&output=${encodeURIComponent(output)}`;
