import type { Ack, Cell, CellId, CellType, Command, CommandBody, CommandId, JsonObject } from '../protocol/types';
import type { PendingCommand } from './model';
import { signal, type Signal } from './signal';

/**
 * The commands of this page that the server has not confirmed, oldest first, and what they make of the notebook meanwhile: each
 * is answered on the screen in the frame of the key press, marked as not yet done.
 */
export class PendingList {
  readonly #list = signal<readonly PendingCommand[]>([]);
  readonly #acks = new Map<CommandId, Ack>();

  get signal(): Signal<readonly PendingCommand[]> {
    return this.#list;
  }
  get all(): readonly PendingCommand[] {
    return this.#list.get();
  }

  add(command: Command, askedAt: number): void {
    const { cmd_id, notebook: _, ...body } = command;
    if (this.all.some((p) => p.cmd_id === cmd_id)) return;
    this.#list.set([...this.all, { cmd_id, body, asked_at: askedAt }]);
  }

  amend(id: CommandId, body: CommandBody): void {
    this.#list.set(this.all.map((p) => (p.cmd_id === id ? { ...p, body } : p)));
  }

  drop(id: CommandId): void {
    this.#acks.delete(id);
    if (this.all.some((p) => p.cmd_id === id)) this.#list.set(this.all.filter((p) => p.cmd_id !== id));
  }

  /** Remembers an ack until the state has reached what it speaks of. */
  acked(ack: Ack): void {
    if (this.all.some((p) => p.cmd_id === ack.cmd_id)) this.#acks.set(ack.cmd_id, ack);
  }

  /** Takes out what is confirmed in a state at event n, and gives the acks; rejected ones stay, with the reason. */
  settle(n: number): Ack[] {
    if (this.#acks.size === 0) return [];
    const ripe = [...this.#acks.values()].filter((a) => a.status === 'rejected' || a.n <= n);
    if (ripe.length === 0) return [];
    const by = new Map(ripe.map((a) => [a.cmd_id, a]));
    for (const a of ripe) this.#acks.delete(a.cmd_id);
    const next: PendingCommand[] = [];
    for (const p of this.all) {
      const ack = by.get(p.cmd_id);
      if (!ack) next.push(p);
      else if (ack.status === 'rejected' && p.body.type !== 'edit') next.push({ ...p, rejected: { code: ack.code ?? 'internal', error: ack.error ?? '' } });
    }
    this.#list.set(next);
    return ripe;
  }

  /** Keeps text of the person that has no place in the document any more. */
  keep(cmd: CommandId, cell: CellId, text: string, askedAt: number): void {
    const body: CommandBody = { type: 'edit', cell_id: cell, version: 0, changes: null };
    const rejected = { code: 'stale', error: 'The cell was changed elsewhere at the same place.' };
    this.#list.set([...this.all, { cmd_id: cmd, body, asked_at: askedAt, rejected, text }]);
  }
}

/** The cells to show: the server's, with the waiting insertions, deletions and moves on top. `known`: cells whose content is here. */
export function overlayIds(ids: readonly CellId[], pending: readonly PendingCommand[], known: (id: CellId) => boolean): readonly CellId[] {
  let list: CellId[] | null = null;
  const place = (id: CellId, index: number) => {
    const rest = (list ?? ids).filter((x) => x !== id);
    rest.splice(Math.min(Math.max(index, 0), rest.length), 0, id);
    list = rest;
  };
  for (const { body, rejected } of pending) {
    if (rejected) continue;
    const now: readonly CellId[] = list ?? ids;
    if (body.type === 'cell_insert' && !now.includes(body.cell_id)) place(body.cell_id, body.index);
    else if (body.type === 'cell_restore' && !now.includes(body.cell_id) && known(body.cell_id)) place(body.cell_id, body.index);
    else if (body.type === 'cell_delete' && now.includes(body.cell_id)) list = now.filter((x) => x !== body.cell_id);
    else if (body.type === 'cell_move' && now.includes(body.cell_id)) place(body.cell_id, body.index);
  }
  return list ?? ids;
}

/** What waits for one cell. */
export interface CellOverlay {
  readonly type?: CellType;
  readonly metadata?: JsonObject;
  readonly sending?: { readonly cmd_id: CommandId; readonly asked_at: number };
  readonly unconfirmed: boolean;
}

/** The overlay of a cell that nothing waits for. */
export const noOverlay: CellOverlay = { unconfirmed: false };

export function overlayCell(cell: Cell, pending: readonly PendingCommand[]): CellOverlay {
  if (pending.length === 0) return noOverlay;
  let type: CellType | undefined;
  let metadata: JsonObject | undefined;
  let sending: CellOverlay['sending'];
  let unconfirmed = false;
  const run: string | undefined = cell.run?.id;
  const ended = !cell.run || cell.run.state === 'done';
  for (const { body, cmd_id, asked_at, rejected } of pending) {
    if (rejected) continue;
    if (body.type === 'cell_change' && body.cell_id === cell.id) {
      type = body.cell_type ?? type;
      metadata = body.metadata ?? metadata;
      unconfirmed = true;
    }
    if ((body.type === 'cell_insert' || body.type === 'edit') && body.cell_id === cell.id) unconfirmed = true;
    const asks = (body.type === 'execute' && body.cell_id === cell.id) || (body.type === 'run' && (body.cell_ids ? body.cell_ids.includes(cell.id) : cell.type === 'code'));
    if (asks && ended && run !== cmd_id) sending = { cmd_id, asked_at };
  }
  return { ...(type ? { type } : {}), ...(metadata ? { metadata } : {}), ...(sending ? { sending } : {}), unconfirmed };
}

/** The cells that something waits for. */
export function concerned(pending: readonly PendingCommand[], cells: readonly Cell[]): Set<CellId> {
  const ids = new Set<CellId>();
  for (const { body } of pending) {
    if ('cell_id' in body && body.cell_id !== undefined) ids.add(body.cell_id);
    if (body.type === 'run') for (const id of body.cell_ids ?? cells.map((c) => c.id)) ids.add(id);
  }
  return ids;
}
