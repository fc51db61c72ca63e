import { X } from 'lucide-react';
import { useEffect, useRef, type ReactNode } from 'react';

/** A modal dialog on the browser's own <dialog>: it keeps the focus inside and gives it back. It begins at what is marked with data-first. */
export function Dialog(props: { label: string; close: () => void; children: ReactNode; className?: string; bare?: boolean }) {
  const ref = useRef<HTMLDialogElement>(null);
  const { close } = props;
  useEffect(() => {
    const el = ref.current;
    const before = document.activeElement;
    if (el && !el.open) el.showModal();
    el?.querySelector<HTMLElement>('[data-first]')?.focus();
    return () => {
      el?.close();
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);
  return (
    <dialog
      ref={ref}
      className={`dialog ${props.className ?? ''}`}
      aria-label={props.label}
      onCancel={(e) => {
        e.preventDefault();
        close();
      }}
      onKeyDown={(e) => e.stopPropagation()}
      onPointerDown={(e) => {
        if (e.target === ref.current) close();
      }}
    >
      <div className="dialog-body">
        {!props.bare && (
          <header className="dialog-head">
            <h2>{props.label}</h2>
            <button type="button" className="btn btn-icon" aria-label="Close" title="Close" onClick={close}>
              <X size={16} />
            </button>
          </header>
        )}
        {props.children}
      </div>
    </dialog>
  );
}
