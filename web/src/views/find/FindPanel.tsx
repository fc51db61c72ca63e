import { ChevronDown, ChevronRight, ChevronUp, X } from 'lucide-react';
import { useEffect, useRef, useState } from 'react';
import { useSignal } from '../../ui/useSignal';
import type { Finder } from './finder';
import type { Query } from './matches';

/** Find, and replace on demand, over all cells. Enter goes on, Shift Enter back, Escape closes. */
export function FindPanel({ finder }: { finder: Finder }) {
  const shown = useSignal(finder.shown);
  const query = useSignal(finder.query);
  const input = useRef<HTMLInputElement>(null);
  const [by, setBy] = useState('');
  useEffect(() => input.current?.select(), [shown]);
  if (shown === 'closed') return null;
  const replacing = shown === 'replace';
  const set = (part: Partial<Query>) => finder.set({ ...query, ...part });
  const onKeyDown = (e: React.KeyboardEvent) => {
    if (e.key === 'Escape') finder.close();
    else if (e.key === 'Enter' && e.target === input.current) finder.next(e.shiftKey ? -1 : 1);
    else if (e.key === 'Enter' && e.target instanceof HTMLInputElement) finder.replace(by);
    else return;
    e.preventDefault();
  };
  return (
    <section className="find" role="search" aria-label="Find in the notebook" onKeyDown={onKeyDown}>
      <div className="find-row">
        <button type="button" className="tool" aria-label="Replace" aria-expanded={replacing} title="Replace (Ctrl H)" onClick={() => finder.open(replacing ? 'find' : 'replace')}>
          {replacing ? <ChevronDown size={14} /> : <ChevronRight size={14} />}
        </button>
        <input ref={input} className="field grow" aria-label="Find" placeholder="Find in all cells" autoFocus spellCheck={false} autoComplete="off" value={query.text} onChange={(e) => set({ text: e.target.value })} />
        <Flip label="Match case" sign="Aa" on={query.cased} flip={() => set({ cased: !query.cased })} />
        <Flip label="Regular expression" sign=".*" on={query.regexp} flip={() => set({ regexp: !query.regexp })} />
        <Count finder={finder} />
        <button type="button" className="tool" aria-label="Previous match" title="Previous (Shift Enter)" onClick={() => finder.next(-1)}>
          <ChevronUp size={14} />
        </button>
        <button type="button" className="tool" aria-label="Next match" title="Next (Enter)" onClick={() => finder.next(1)}>
          <ChevronDown size={14} />
        </button>
        <button type="button" className="tool" aria-label="Close find" title="Close (Esc)" onClick={() => finder.close()}>
          <X size={14} />
        </button>
      </div>
      {replacing && (
        <div className="find-row find-by">
          <input className="field grow" aria-label="Replace with" placeholder="Replace with" spellCheck={false} autoComplete="off" value={by} onChange={(e) => setBy(e.target.value)} />
          <button type="button" className="btn btn-small btn-line" onClick={() => finder.replace(by)}>
            Replace
          </button>
          <button type="button" className="btn btn-small btn-line" onClick={() => finder.replaceAll(by)}>
            Replace all
          </button>
        </div>
      )}
    </section>
  );
}

function Flip(props: { label: string; sign: string; on: boolean; flip: () => void }) {
  return (
    <button type="button" className="tool find-flip" aria-label={props.label} title={props.label} aria-pressed={props.on} onClick={props.flip}>
      {props.sign}
    </button>
  );
}

function Count({ finder }: { finder: Finder }) {
  const { places, at, wrong } = useSignal(finder.found);
  const empty = useSignal(finder.query).text === '';
  const words = wrong || (empty ? '' : places.length === 0 ? 'none' : `${at + 1} of ${places.length}`);
  return (
    <span className={`find-count${wrong || (!empty && places.length === 0) ? ' find-none' : ''}`} role="status" title={wrong}>
      {words}
    </span>
  );
}
