import type { CellId, CellType, CommandBody, CommandId, JsonObject, RequestId } from '../protocol/types';

/** How a command goes. */
export interface SubmitOptions {
  /** In memory only. */
  readonly secret?: boolean;
  /** Not before what was typed in these cells is on its way; null: in all. */
  readonly after?: readonly CellId[] | null;
}

/** What a person can ask of a notebook, each as the command that it is. */
export abstract class NotebookActions {
  /** Marks the command as pending and sends it. */
  protected abstract submit(body: CommandBody, options?: SubmitOptions): CommandId;
  protected abstract newCellId(): CellId;

  execute(id: CellId): void {
    this.submit({ type: 'execute', cell_id: id }, { after: [id] });
  }
  run(ids?: readonly CellId[]): void {
    this.submit(ids ? { type: 'run', cell_ids: ids } : { type: 'run' }, { after: ids ?? null });
  }
  cancel(id?: CellId): void {
    this.submit(id === undefined ? { type: 'cancel' } : { type: 'cancel', cell_id: id });
  }
  interrupt(): void {
    this.submit({ type: 'interrupt' });
  }
  extend(request: RequestId, seconds: number): void {
    this.submit({ type: 'prompt_extend', request_id: request, seconds });
  }
  /** `like`: a cell whose outputs and attachments the new one gets, also one that was deleted. */
  insert(index: number, type: CellType, source = '', more: { metadata?: JsonObject; like?: CellId } = {}): CellId {
    const id = this.newCellId();
    this.submit({ type: 'cell_insert', cell_id: id, index, cell_type: type, source, ...more });
    return id;
  }
  remove(ids: readonly CellId[]): void {
    for (const id of ids) this.submit({ type: 'cell_delete', cell_id: id });
  }
  restore(id: CellId, index: number): void {
    this.submit({ type: 'cell_restore', cell_id: id, index });
  }
  move(id: CellId, index: number): void {
    this.submit({ type: 'cell_move', cell_id: id, index });
  }
  change(id: CellId, what: { type?: CellType; metadata?: JsonObject }): void {
    this.submit({ type: 'cell_change', cell_id: id, ...(what.type ? { cell_type: what.type } : {}), ...(what.metadata ? { metadata: what.metadata } : {}) });
  }
  clear(id?: CellId): void {
    this.submit(id === undefined ? { type: 'clear_outputs' } : { type: 'clear_outputs', cell_id: id });
  }
  kernelStart(name?: string): void {
    this.submit({ type: 'kernel_start', ...(name === undefined ? {} : { name }) });
  }
  kernelRestart(options: { force?: boolean; name?: string } = {}): void {
    this.submit({ type: 'kernel_restart', ...options });
  }
  kernelStop(options: { force?: boolean } = {}): void {
    this.submit({ type: 'kernel_stop', ...options });
  }
  save(): void {
    this.submit({ type: 'save' }, { after: null });
  }
}
