import { CornerDownLeft } from 'lucide-react';
import { useEffect, useLayoutEffect, useRef, useState } from 'react';
import type { CellId, Prompt } from '../../protocol/types';
import { Ticking } from '../../ui/Elapsed';
import { keepInView } from '../../ui/inView';
import { wholeDuration } from '../../ui/words';
import { useSignal } from '../../ui/useSignal';
import { useServices } from '../context';
import { useNotebook } from './context';
import type { NotebookController } from './controller';

const MORE_S = 300;
/** From here on the time left is shown. */
const SOON_MS = 120_000;

/** An input() that waits: asked where its output ends. What is typed outlives a reload (not a password). */
export function PromptBox({ prompt }: { prompt: Prompt }) {
  const notebook = useNotebook();
  const { store } = notebook;
  const { now, connection } = useServices();
  const input = useRef<HTMLInputElement>(null);
  const [value, setValue] = useState(() => store.promptDraft(prompt.request_id));
  const [sent, setSent] = useState(false);
  const recovered = useSignal(store.recovered);
  useEffect(() => {
    if (recovered) setValue((typed) => typed || store.promptDraft(prompt.request_id));
  }, [recovered, store, prompt.request_id]);
  useEffect(() => {
    const box = input.current;
    if (!box || !takesFocus(notebook, prompt.cell_id)) return;
    box.focus({ preventScroll: true });
    return keepInView(box, box.closest('.column'));
  }, [notebook, prompt.cell_id]);
  useLayoutEffect(() => {
    const el = input.current;
    return () => {
      // The box goes with the focus in it: the cell takes it, or the next box.
      if (document.activeElement === el) queueMicrotask(() => document.activeElement === document.body && notebook.cursor.fromPrompt(prompt.cell_id));
    };
  }, [notebook, prompt.cell_id]);
  useEffect(() => {
    if (!sent) return;
    // Refused, or the line is down for long: the box is open again.
    return store.pending.subscribe(() => {
      const mine = store.pending.get().find((p) => p.body.type === 'input_reply' && p.body.request_id === prompt.request_id);
      if (mine?.rejected) setSent(false);
    });
  }, [sent, store, prompt.request_id]);
  const send = () => {
    setSent(true);
    store.answer(prompt.request_id, value);
  };
  const left = () => (prompt.deadline ? prompt.deadline - now() : Infinity);
  const leftText = () => (left() < SOON_MS && left() > 0 ? `${wholeDuration(left())} left` : '');
  const label = prompt.prompt.trim() || (prompt.password ? 'Password' : 'The code asks for input');
  return (
    <form
      className="ask out"
      onSubmit={(e) => {
        e.preventDefault();
        if (!sent) send();
      }}
    >
      {prompt.prompt !== '' && <span className="out-text ask-prompt">{prompt.prompt}</span>}
      <input
        ref={input}
        data-prompt={prompt.request_id}
        className="field mono"
        type={prompt.password ? 'password' : 'text'}
        aria-label={label}
        autoComplete="off"
        autoCapitalize="off"
        spellCheck={false}
        readOnly={sent}
        value={value}
        onChange={(e) => {
          setValue(e.target.value);
          store.setPromptDraft(prompt.request_id, e.target.value);
        }}
        onKeyDown={(e) => {
          if (e.key !== 'Escape') return;
          e.preventDefault();
          notebook.cursor.fromPrompt(prompt.cell_id);
        }}
      />
      <button type="submit" className="ask-send" disabled={sent} aria-label="Enter: send the answer">
        <span className="kbd">Enter</span>
        <CornerDownLeft size={16} className="ask-arrow" />
      </button>
      {sent && <span className="muted ask-note">{connection.connected.get() ? 'sending…' : 'sent when the line is back'}</span>}
      {!sent && prompt.deadline ? (
        <span className="ask-time">
          <Ticking text={leftText} className="ask-note" />
          <MoreTime show={() => left() < SOON_MS} more={() => store.extend(prompt.request_id, MORE_S)} />
        </span>
      ) : null}
    </form>
  );
}

/** The box takes the focus of who is at its cell, or has run something and done nothing since; not of who types elsewhere. */
function takesFocus(notebook: NotebookController, id: CellId): boolean {
  const at = document.activeElement;
  if (at === null || at === document.body || at.closest(`[data-cell="${CSS.escape(id)}"]`)) return true;
  if (at.closest('dialog, .panel, .find')) return false;
  if (notebook.presence.waits) return true;
  const typing = at instanceof HTMLElement && (at.isContentEditable || at instanceof HTMLInputElement);
  return !typing && notebook.cursor.active === id;
}

function MoreTime({ show, more }: { show: () => boolean; more: () => void }) {
  const [on, setOn] = useState(show);
  useEffect(() => {
    const timer = setInterval(() => setOn(show()), 1000);
    return () => clearInterval(timer);
  }, [show]);
  if (!on) return null;
  return (
    <button type="button" className="btn btn-small btn-line" onClick={more}>
      More time
    </button>
  );
}
