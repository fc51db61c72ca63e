import { useCallback } from 'react';
import type { Line } from '../../connection/model';
import { Dot } from '../../ui/Dot';
import { Ticking } from '../../ui/Elapsed';
import { useSignal } from '../../ui/useSignal';
import { useServices } from '../context';
import { TOKEN_FIELD } from './LoginPanel';

/** How the line to the server is, in words; while it is down, since when, and a way to try now. */
export function LineChip() {
  const { connection } = useServices();
  const line = useSignal(connection.line);
  return <LineWords line={line} retry={() => connection.reconnect()} />;
}

function LineWords({ line, retry }: { line: Line; retry: () => void }) {
  switch (line.kind) {
    case 'live':
      return (
        <span className="chip line-chip" role="status">
          <Dot kind="ok" />
          <span className="line-text">Live</span>
        </span>
      );
    case 'connecting':
      return (
        <span className="chip line-chip" role="status">
          <Dot kind="busy" />
          <span className="line-text">Connecting</span>
        </span>
      );
    case 'catching-up':
      return (
        <span className="chip line-chip" role="status">
          <Dot kind="busy" />
          <span className="line-text">Catching up{line.behind > 0 ? ` ${line.behind.toLocaleString('en')}` : ''}</span>
        </span>
      );
    case 'reconnecting':
      return <Reconnecting lastHeard={line.lastHeard} retry={retry} />;
    case 'fallback':
      return (
        <span className="chip chip-warn line-chip" role="status" title={fallbackWords(line.reason)}>
          <Dot kind="warn" />
          <span className="line-text line-long">{fallbackWords(line.reason)}</span>
        </span>
      );
    case 'login':
      return (
        <button type="button" className="chip chip-warn line-chip" onClick={() => document.getElementById(TOKEN_FIELD)?.focus()}>
          Log in again
        </button>
      );
    case 'reload':
      return (
        <button type="button" className="chip chip-warn line-chip" onClick={() => location.reload()}>
          New version: reload
        </button>
      );
    case 'refused':
      return (
        <span className="chip chip-err line-chip" role="alert">
          Refused: {line.reason}
        </span>
      );
  }
}

function fallbackWords(reason: string): string {
  return reason || 'WebSocket blocked by a proxy (Upgrade header removed); output comes over plain HTTP';
}

function Reconnecting({ lastHeard, retry }: { lastHeard: number; retry: () => void }) {
  const words = useCallback(() => {
    const s = Math.max(0, Math.round((Date.now() - lastHeard) / 1000));
    return lastHeard > 0 ? `Reconnecting, last heard ${s} s ago` : 'Reconnecting';
  }, [lastHeard]);
  return (
    <span className="chip chip-warn line-chip">
      <Dot kind="busy" />
      <Ticking text={words} className="line-text" />
      <button type="button" className="link" onClick={retry}>
        Reconnect
      </button>
    </span>
  );
}
