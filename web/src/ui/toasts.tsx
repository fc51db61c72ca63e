import { X } from 'lucide-react';
import { useEffect } from 'react';
import { signal } from './signals';
import { useSignal } from './useSignal';

export interface Toast {
  readonly id: number;
  readonly level: 'info' | 'warning' | 'error';
  readonly text: string;
  readonly action?: { readonly label: string; readonly run: () => void };
}

/** Short messages at the foot of the page, the newest last; and what a screen reader is told. */
export class Toasts {
  readonly list = signal<readonly Toast[]>([]);
  readonly said = signal('');
  #next = 1;

  show(text: string, options: { level?: Toast['level']; action?: Toast['action'] } = {}): number {
    const id = this.#next++;
    const same = this.list.get().filter((t) => t.text !== text);
    this.list.set([...same.slice(-3), { id, level: options.level ?? 'info', text, action: options.action }]);
    this.say(text);
    return id;
  }

  drop(id: number): void {
    this.list.set(this.list.get().filter((t) => t.id !== id));
  }

  /** Told to screen readers, not shown. The same sentence twice is still told twice. */
  say(text: string): void {
    this.said.set(this.said.get() === text ? `${text}\u00a0` : text);
  }
}

export function ToastView({ toasts }: { toasts: Toasts }) {
  const list = useSignal(toasts.list);
  const said = useSignal(toasts.said);
  return (
    <>
      <div className="sr" role="status" aria-live="polite">
        {said}
      </div>
      <div className="toasts" role="region" aria-label="Messages">
        {list.map((toast) => (
          <ToastCard key={toast.id} toast={toast} drop={() => toasts.drop(toast.id)} />
        ))}
      </div>
    </>
  );
}

function ToastCard({ toast, drop }: { toast: Toast; drop: () => void }) {
  useEffect(() => {
    const ms = toast.level === 'error' ? 15_000 : toast.action ? 9_000 : 5_000;
    const timer = setTimeout(drop, ms);
    return () => clearTimeout(timer);
  }, [toast.id]);
  return (
    <div className={`toast toast-${toast.level}`}>
      <span className="grow">{toast.text}</span>
      {toast.action && (
        <button
          type="button"
          className="btn btn-small"
          onClick={() => {
            toast.action?.run();
            drop();
          }}
        >
          {toast.action.label}
        </button>
      )}
      <button type="button" className="btn btn-icon btn-small" aria-label="Dismiss" onClick={drop}>
        <X size={14} />
      </button>
    </div>
  );
}
