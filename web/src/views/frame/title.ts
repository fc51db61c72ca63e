/** The tab's title: a question first, then what runs, then what ended while nobody looked. */
import { baseName } from '../../ui/words';

export interface TitleFacts {
  readonly path: string;
  readonly waiting: boolean;
  readonly running: number;
  readonly queued: number;
  /** How a long run ended while the tab was hidden. */
  readonly ended: 'ok' | 'error' | null;
}

export function titleOf(facts: TitleFacts): string {
  const name = baseName(facts.path).replace(/\.ipynb$/i, '') || 'Runnel';
  if (facts.waiting) return `? ${name}: waits for your answer`;
  if (facts.ended === 'ok') return `✓ Done: ${name}`;
  if (facts.ended === 'error') return `✗ Failed: ${name}`;
  if (facts.running > 0) return `${facts.queued > 0 ? `(${facts.queued + 1}) ` : ''}… ${name}`;
  return name;
}
