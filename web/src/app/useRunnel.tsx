import { createContext, use, useCallback, useMemo, useSyncExternalStore, type ReactNode } from 'react';
import type { Connection } from '../connection';
import type { NotebookStore } from '../notebook/store';
import { cellId } from '../protocol/decode';
import type { OutputId } from '../protocol/types';

/**
 * The provider of the browser-server contract: whether there is a line, running code as a cell, and what each cell prints. Thin
 * over the connection and the store, which Runnel's own views use directly.
 */
interface Runnel {
  readonly connection: Connection;
  readonly notebook: NotebookStore;
}

const RunnelContext = createContext<Runnel | null>(null);

export function RunnelProvider(props: Runnel & { children: ReactNode }) {
  const { connection, notebook, children } = props;
  const value = useMemo(() => ({ connection, notebook }), [connection, notebook]);
  return <RunnelContext value={value}>{children}</RunnelContext>;
}

function useContextOfRunnel(): Runnel {
  const runnel = use(RunnelContext);
  if (!runnel) throw new Error('useRunnel needs a RunnelProvider above it');
  return runnel;
}

export function useRunnel() {
  const { connection, notebook } = useContextOfRunnel();
  const isConnected = useSyncExternalStore(connection.connected.subscribe, connection.connected.get);
  const executeCode = useCallback((code: string, cell: string) => notebook.executeCode(cellId(cell, 'cell id'), code), [notebook]);
  return { isConnected, executeCode };
}

/** The text that a cell has printed so far, as it grows. */
export function useCellOutput(cell: string): string {
  const { notebook } = useContextOfRunnel();
  const subscribe = useCallback((fn: () => void) => watchText(notebook, cell, fn), [notebook, cell]);
  return useSyncExternalStore(subscribe, () => printed(notebook, cell));
}

function printed(notebook: NotebookStore, cell: string): string {
  const store = notebook.cell(cellId(cell, 'cell id'));
  if (!store) return '';
  const texts = store.outputs.get().filter((o) => o.kind === 'stream').map((o) => store.text(o.id).get());
  return texts.map((t) => t.head + t.tail).join('');
}

/** Follows the cell, its outputs and the text of each. */
function watchText(notebook: NotebookStore, cell: string, fn: () => void): () => void {
  let stopOutputs = () => {};
  const texts = new Map<OutputId, () => void>();
  const outputs = () => {
    const store = notebook.cell(cellId(cell, 'cell id'));
    for (const o of store?.outputs.get() ?? []) {
      if (store && o.kind === 'stream' && !texts.has(o.id)) texts.set(o.id, store.text(o.id).subscribe(fn));
    }
    fn();
  };
  const cells = () => {
    stopOutputs();
    stopOutputs = notebook.cell(cellId(cell, 'cell id'))?.outputs.subscribe(outputs) ?? (() => {});
    outputs();
  };
  const stopCells = notebook.cellIds.subscribe(cells);
  cells();
  return () => {
    stopCells();
    stopOutputs();
    for (const stop of texts.values()) stop();
  };
}
