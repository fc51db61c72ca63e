import { useMemo, useState } from 'react';

const AT_ONCE = 100;

/** JSON as a tree; a branch is made when it is opened. */
export function JsonView({ value }: { value: unknown }) {
  const parsed = useMemo(() => {
    if (typeof value !== 'string') return value;
    try {
      const out: unknown = JSON.parse(value);
      return out;
    } catch {
      return value;
    }
  }, [value]);
  return (
    <div className="out json mono">
      <Node value={parsed} depth={0} />
    </div>
  );
}

function Node(props: { name?: string; value: unknown; depth: number }) {
  const { name, value, depth } = props;
  const label = name === undefined ? null : <span className="json-key">{name}: </span>;
  if (typeof value !== 'object' || value === null) {
    return (
      <div className="json-row">
        {label}
        <Leaf value={value} />
      </div>
    );
  }
  return <Branch label={label} value={value} depth={depth} />;
}

function Leaf({ value }: { value: unknown }) {
  if (typeof value === 'string') return <span className="json-string">{JSON.stringify(value)}</span>;
  if (typeof value === 'number') return <span className="json-number">{String(value)}</span>;
  return <span className="json-word">{String(value)}</span>;
}

function Branch(props: { label: React.ReactNode; value: object; depth: number }) {
  const [open, setOpen] = useState(props.depth < 1);
  const [shown, setShown] = useState(AT_ONCE);
  const list = Array.isArray(props.value);
  const entries = Object.entries(props.value);
  const [left, right] = list ? ['[', ']'] : ['{', '}'];
  if (entries.length === 0) {
    return (
      <div className="json-row">
        {props.label}
        {left}
        {right}
      </div>
    );
  }
  return (
    <details className="json-branch" open={open} onToggle={(e) => setOpen(e.currentTarget.open)}>
      <summary>
        {props.label}
        <span className="muted">{`${left}${entries.length}${right}`}</span>
      </summary>
      {open && (
        <div className="json-children">
          {entries.slice(0, shown).map(([key, child]) => (
            <Node key={key} name={key} value={child} depth={props.depth + 1} />
          ))}
          {entries.length > shown && (
            <button type="button" className="link" onClick={() => setShown(shown + 1000)}>
              {entries.length - shown} more
            </button>
          )}
        </div>
      )}
    </details>
  );
}
