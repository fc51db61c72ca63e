import type { CellView, NotebookView } from './model';

/** One notebook as this page knows it. */
export interface NotebookStore extends NotebookView {}

/** One cell of it. */
export type CellStore = CellView;
