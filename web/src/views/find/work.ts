/**
 * The work of finding, for a worker: texts come with a question, and go back as hits or with what replaces them. A question takes the
 * place of the one before it in its lane. Between texts it gives way, so that a newer question is heard.
 */
import { strip } from '../../outputs/ansi';
import { textOfHtml } from './markup';
import { hitsIn, patternOf, replaced, type Looked } from './matches';
import type { Hit } from './query';

export interface Text {
  readonly key: string;
  /** How a person sees it: as it is, as a terminal has it, as a page. */
  readonly kind: 'plain' | 'terminal' | 'html';
  readonly parts: readonly string[];
}

export type Lane = 'find' | 'mark' | 'replace';

export interface Question {
  readonly n: number;
  readonly lane: Lane;
  readonly query: Looked;
  readonly texts: readonly Text[];
  /** What to put in the place of all matches, or of the one that begins at `only`. */
  readonly by?: { readonly text: string; readonly only?: number };
}

export interface Result {
  readonly key: string;
  readonly hits: readonly Hit[];
  /** With the matches replaced. */
  readonly after?: { readonly text: string; readonly count: number };
}

export interface Answer {
  readonly n: number;
  readonly results: readonly Result[];
  readonly done: boolean;
  /** Why the rest was not looked through. */
  readonly problem?: string;
}

/** What is found is told so often, in ms. */
const TELL_MS = 16;

export interface Surroundings {
  readonly tell: (answer: Answer) => void;
  /** Lets newer questions in. */
  readonly breathe: () => Promise<void>;
  readonly now: () => number;
}

/** Gives what takes a question. */
export function worker(around: Surroundings): (question: Question) => Promise<void> {
  const newest = new Map<Lane, number>();
  return async (question) => {
    const { n, lane } = question;
    newest.set(lane, n);
    const pattern = patternOf(question.query);
    let results: Result[] = [];
    let told = around.now();
    for (const text of question.texts) {
      if (!(pattern instanceof RegExp)) break;
      try {
        results.push(answer(question, text, pattern));
      } catch (problem) {
        // It is compiled with the first text, and may be too large for that.
        return around.tell({ n, results, done: true, problem: problem instanceof Error ? problem.message : 'it cannot be looked for' });
      }
      if (around.now() - told < TELL_MS) continue;
      around.tell({ n, results, done: false });
      results = [];
      await around.breathe();
      if (newest.get(lane) !== n) return;
      told = around.now();
    }
    around.tell({ n, results, done: true });
  };
}

function answer({ by, query }: Question, { key, kind, parts }: Text, pattern: RegExp): Result {
  const text = seen(kind, parts);
  return by ? { key, hits: [], after: replaced(text, pattern, query, by.text, by.only) } : { key, hits: hitsIn(text, pattern) };
}

function seen(kind: Text['kind'], parts: readonly string[]): string {
  if (kind === 'plain') return parts.join('');
  return parts.map(kind === 'html' ? textOfHtml : strip).join('');
}
