import { cellId, clientId, commandId } from './decode';
import type { CellId, ClientId, CommandId } from './types';

/** Where ids come from: the clock and randomness are passed in. */
export interface IdSource {
  now(): number;
  /** Fills the bytes with randomness. */
  random(bytes: Uint8Array<ArrayBuffer>): void;
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (b) => b.toString(16).padStart(2, '0')).join('');
}

/** A UUIDv7 (RFC 9562): in order of time, so that the server's journal can forget old ones. */
export function uuidv7(source: IdSource): string {
  const b = new Uint8Array(16);
  source.random(b);
  let t = source.now();
  for (let i = 5; i >= 0; i--) {
    b[i] = t % 256;
    t = Math.floor(t / 256);
  }
  b[6] = ((b[6] ?? 0) & 0x0f) | 0x70;
  b[8] = ((b[8] ?? 0) & 0x3f) | 0x80;
  const h = hex(b);
  return `${h.slice(0, 8)}-${h.slice(8, 12)}-${h.slice(12, 16)}-${h.slice(16, 20)}-${h.slice(20)}`;
}

export function newCommandId(source: IdSource): CommandId {
  return commandId(uuidv7(source), 'new command id');
}
export function newClientId(source: IdSource): ClientId {
  return clientId(uuidv7(source), 'new client id');
}
/** Eight hex digits, as nbformat's own ids are. */
export function newCellId(source: IdSource): CellId {
  const b = new Uint8Array(4);
  source.random(b);
  return cellId(hex(b), 'new cell id');
}
