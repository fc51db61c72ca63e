import { X } from 'lucide-react';

/** The name of a panel, and a way to close it. */
export function PanelHead({ title, close, className = 'panel-head' }: { title: string; close: () => void; className?: string }) {
  const label = `Close ${title.toLowerCase()}`;
  return (
    <header className={className}>
      <h2>{title}</h2>
      <button type="button" className="btn btn-icon btn-small" aria-label={label} title={label} onClick={close}>
        <X size={14} />
      </button>
    </header>
  );
}
