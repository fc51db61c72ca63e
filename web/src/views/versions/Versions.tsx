import { useMemo, type ReactNode } from 'react';
import { rowsOf, type Side } from './rows';

/** Two versions of a cell's text beside each other, with what to do about it. On a phone they are one below the other. */
export function Versions(props: { label: string; title: string; mine: { name: string; text: string }; theirs: { name: string; text: string }; children: ReactNode }) {
  const { mine, theirs } = props;
  const rows = useMemo(() => rowsOf(mine.text, theirs.text), [mine.text, theirs.text]);
  return (
    <section className="box versions" aria-label={props.label}>
      <header className="versions-head">
        <b className="grow">{props.title}</b>
        <div className="versions-actions">{props.children}</div>
      </header>
      <div className="versions-rows mono" role="table" aria-label={props.title} tabIndex={0}>
        <div className="versions-row versions-names" role="row">
          <span role="columnheader">{mine.name}</span>
          <span role="columnheader">{theirs.name}</span>
        </div>
        {rows.map((row, i) => (
          <div key={i} className={`versions-row${row.same ? '' : ' differs'}`} role="row">
            <Line side={row.mine} sign={row.same ? '' : '−'} />
            <Line side={row.theirs} sign={row.same ? '' : '+'} />
          </div>
        ))}
      </div>
    </section>
  );
}

function Line({ side, sign }: { side: Side | null; sign: string }) {
  if (!side) return <span role="cell" className="versions-line none" />;
  const { text, from, to } = side;
  return (
    <span role="cell" className="versions-line" data-sign={sign}>
      {text.slice(0, from)}
      {to > from && <mark>{text.slice(from, to)}</mark>}
      {text.slice(Math.max(to, from))}
      {text === '' && '\u200b'}
    </span>
  );
}
