import { autocompletion, completeAnyWord, completionStatus, type CompletionContext, type CompletionResult } from '@codemirror/autocomplete';
import type { Extension } from '@codemirror/state';
import { EditorView } from '@codemirror/view';
import type { Completion, EditorOptions } from './options';

/** A kernel that is busy answers only after its cell: then the words of the cell are offered instead. */
const KERNEL_WITHIN = 1_500;

type Ask = NonNullable<EditorOptions['complete']>;

export function completion(ask: Ask | undefined): Extension {
  return [autocompletion({ override: [(context) => complete(context, ask)], activateOnTyping: true, icons: false, maxRenderedOptions: 200 }), reachable];
}

/** A list that scrolls can be reached by keyboard. The editor keeps the focus and moves the choice, which not everybody who reads a page by program can follow. */
const reachable = EditorView.updateListener.of(({ state, view }) => {
  if (completionStatus(state) !== 'active') return;
  view.requestMeasure({
    key: 'reachable',
    read: () => document.querySelector<HTMLElement>('.cm-tooltip-autocomplete > ul'),
    write: (list) => list?.setAttribute('tabindex', '0'),
  });
});

async function complete(context: CompletionContext, ask: Ask | undefined): Promise<CompletionResult | null> {
  const word = context.matchBefore(/[\w$.]+/);
  if (!context.explicit && (!word || !/(\.|[\p{L}_$][\w$]+)$/u.test(word.text))) return null;
  const from = ask ? await fromKernel(context, ask) : null;
  if (from && from.options.length > 0) return from;
  return context.aborted ? null : completeAnyWord(context);
}

async function fromKernel(context: CompletionContext, ask: Ask): Promise<CompletionResult | null> {
  const abort = new AbortController();
  context.addEventListener('abort', () => abort.abort());
  const timer = setTimeout(() => abort.abort(), KERNEL_WITHIN);
  const late = new Promise<null>((resolve) => abort.signal.addEventListener('abort', () => resolve(null), { once: true }));
  try {
    const answer = await Promise.race([ask(context.state.doc.toString(), context.pos, abort.signal), late]);
    return answer && result(context, answer);
  } catch {
    return null;
  } finally {
    clearTimeout(timer);
  }
}

function result(context: CompletionContext, answer: Completion): CompletionResult {
  const length = context.state.doc.length;
  const from = Math.min(Math.max(answer.start, 0), length);
  const options = answer.matches.map((label, i) => {
    const type = answer.types?.[i];
    return type === undefined ? { label } : { label, detail: type };
  });
  return { from, to: Math.min(Math.max(answer.end, context.pos), length), options, validFor: /^[\w$.]*$/ };
}
