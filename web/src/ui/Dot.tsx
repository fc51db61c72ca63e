import { turning } from './motion';

export type DotKind = 'ok' | 'busy' | 'warn' | 'err' | 'none';

/** The dot beside a state in words; a busy one turns. */
export function Dot({ kind }: { kind: DotKind }) {
  return <span ref={kind === 'busy' ? turning : null} className={`dot dot-${kind}`} />;
}
