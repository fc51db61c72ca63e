import type { PageConnection } from './model';
export type { Line, PageConnection as Connection } from './model';

/** The connection of this page, with the browser's own socket, clock and storage. Nothing happens before connect(). */
export declare function createConnection(options?: { base?: string }): PageConnection;
