import { useEffect, useRef } from 'react';

/** The name in place: Enter takes it, Escape leaves it. */
export function Renamer({ name, done }: { name: string; done: (name: string) => void }) {
  const ref = useRef<HTMLInputElement>(null);
  const over = useRef(false);
  useEffect(() => {
    const el = ref.current;
    const dot = name.lastIndexOf('.');
    el?.focus();
    el?.setSelectionRange(0, dot > 0 ? dot : name.length);
  }, [name]);
  const finish = (value: string) => {
    if (over.current) return;
    over.current = true;
    done(value.trim());
  };
  return (
    <input
      ref={ref}
      className="row-input"
      aria-label={`New name of ${name}`}
      defaultValue={name}
      spellCheck={false}
      onBlur={(e) => finish(e.target.value)}
      onKeyDown={(e) => {
        e.stopPropagation();
        if (e.key === 'Enter') finish(e.currentTarget.value);
        if (e.key === 'Escape') finish(name);
      }}
    />
  );
}
