import { memo, useEffect, useMemo, useRef, useState } from 'react';
import { useSignal } from '../../ui/useSignal';
import { count } from '../../ui/words';
import { MOST, More } from '../files/More';
import type { NotebookController } from '../notebook/controller';
import { Fields } from './Fields';
import type { Found, Place } from './query';
import { finderOf } from './start';

/** So much is shown of what stands before a match that is far in its line. */
const BEFORE = 10;

/** All hits by cell; a click goes to one. On a narrow page the bar takes over then, so that the cells are seen. */
export function SearchPanel({ notebook, covers }: { notebook: NotebookController; covers: boolean }) {
  const { find } = notebook;
  const finder = finderOf(notebook);
  const found = useSignal(find.found);
  const seen = () => {
    if (!covers) return;
    find.asked.set(0);
    find.shown.set('bar');
  };
  const onKeyDown = (e: React.KeyboardEvent) => {
    if (e.key !== 'Escape') return;
    e.preventDefault();
    find.close();
  };
  return (
    <div className="search" role="search" aria-label="Find in the notebook" onKeyDown={onKeyDown}>
      <Fields find={find} finder={finder} on={seen} />
      <Summary notebook={notebook} found={found} />
      <Hits
        notebook={notebook}
        found={found}
        go={(at) => {
          finder.go(at);
          seen();
        }}
      />
    </div>
  );
}

function Summary({ notebook, found }: { notebook: NotebookController; found: Found }) {
  const empty = useSignal(notebook.find.query).text === '';
  if (empty) return <p className="panel-empty">Finds in the sources of all cells and in what they have put out. Enter goes to the next match.</p>;
  const cells = new Set(found.places.map((p) => p.cell)).size;
  const words = found.wrong !== '' ? `Not all is looked through: ${found.wrong}.` : found.places.length > 0 ? `In ${count(cells, 'cell')}.` : found.busy ? 'Looking…' : 'Nothing was found.';
  return (
    <p className={`search-sum${found.wrong === '' ? '' : ' panel-error'}`}>
      {words}
      {found.unread > 0 && ` ${count(found.unread, 'large output')} not looked through.`}
    </p>
  );
}

function Hits({ notebook, found, go }: { notebook: NotebookController; found: Found; go: (at: number) => void }) {
  const [asked, setAsked] = useState(MOST);
  // The current one is among them.
  const most = Math.max(asked, Math.ceil((found.at + 1) / MOST) * MOST);
  const groups = useMemo(() => byCell(found.places.slice(0, most)), [found.places, most]);
  const totals = useMemo(() => {
    const all = new Map<string, number>();
    for (const { cell } of found.places) all.set(cell, (all.get(cell) ?? 0) + 1);
    return all;
  }, [found.places]);
  const ids = useSignal(notebook.store.cellIds);
  const numbers = useMemo(() => new Map(ids.map((id, i) => [id, i + 1])), [ids]);
  return (
    <>
      <ul className="rows hits" aria-label="Matches">
        {groups.map(({ cell, first, places }) => (
          <li key={cell}>
            <h3 className="hits-cell">
              Cell {numbers.get(cell)}
              <span className="row-note">{totals.get(cell)}</span>
            </h3>
            <ul className="rows">
              {places.map((place, i) => (
                <HitRow key={`${place.output ?? ''} ${place.from}`} place={place} index={first + i} on={first + i === found.at} go={go} />
              ))}
            </ul>
          </li>
        ))}
      </ul>
      <More of={found.places.length} most={most} show={setAsked} />
    </>
  );
}

const HitRow = memo(function HitRow({ place, index, on, go }: { place: Place; index: number; on: boolean; go: (at: number) => void }) {
  const { words, at, length } = place;
  // The panel is narrow: the match is in it, whatever stands before it.
  const start = at > BEFORE * 2 ? at - BEFORE : 0;
  const ref = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    if (on) ref.current?.scrollIntoView({ block: 'nearest' });
  }, [on]);
  return (
    <li>
      <button ref={ref} type="button" className={`row hit${on ? ' on' : ''}`} aria-current={on || undefined} onClick={() => go(index)}>
        <span className="hit-line">{place.output === null ? place.line + 1 : 'out'}</span>
        <span className="hit-words mono">
          {(place.cut || start > 0) && '…'}
          {words.slice(start, at)}
          <mark>{words.slice(at, at + length)}</mark>
          {words.slice(at + length)}
        </span>
      </button>
    </li>
  );
});

function byCell(places: readonly Place[]): readonly { cell: Place['cell']; first: number; places: readonly Place[] }[] {
  const groups: { cell: Place['cell']; first: number; places: Place[] }[] = [];
  for (const [i, place] of places.entries()) {
    const last = groups.at(-1);
    if (last?.cell === place.cell) last.places.push(place);
    else groups.push({ cell: place.cell, first: i, places: [place] });
  }
  return groups;
}
