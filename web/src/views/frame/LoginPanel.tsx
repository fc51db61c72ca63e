import { useEffect, useId, useRef, useState } from 'react';
import { useSelected } from '../../ui/useSignal';
import { useServices } from '../context';
import { logIn } from './login';

/** The id of the box for the token. */
export const TOKEN_FIELD = 'login-token';

/** Asks for the token when the login has ended. It takes no focus: the person may be typing, and can go on. */
export function LoginPanel() {
  const { connection } = useServices();
  const ended = useSelected(connection.line, (line) => line.kind === 'login');
  return ended ? <Asking done={() => connection.reconnect()} /> : null;
}

function Asking({ done }: { done: () => void }) {
  const { toasts } = useServices();
  const [wrong, setWrong] = useState('');
  const [busy, setBusy] = useState(false);
  const input = useRef<HTMLInputElement>(null);
  const id = useId();
  useEffect(() => toasts.say('Your login has ended.'), [toasts]);
  const send = async () => {
    setBusy(true);
    const problem = await logIn(input.current?.value.trim() ?? '');
    setBusy(false);
    if (problem === null) return done();
    setWrong(problem);
    input.current?.select();
  };
  return (
    <section className="login" aria-labelledby={`${id}-head`}>
      <h2 id={`${id}-head`}>Your login has ended</h2>
      <p className="muted">Cells go on, and what you type here is kept. The server printed its token when it started.</p>
      <form
        className="login-form"
        onSubmit={(e) => {
          e.preventDefault();
          if (!busy) void send();
        }}
      >
        <input ref={input} id={TOKEN_FIELD} className="field grow" type="password" aria-label="Token" placeholder="Token" autoComplete="current-password" required aria-describedby={wrong ? `${id}-wrong` : undefined} />
        <button type="submit" className="btn btn-primary" disabled={busy}>
          Log in
        </button>
      </form>
      {wrong && (
        <p id={`${id}-wrong`} className="login-wrong" role="alert">
          {wrong}
        </p>
      )}
    </section>
  );
}
