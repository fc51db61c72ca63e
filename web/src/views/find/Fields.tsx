import { CaseSensitive, ChevronDown, ChevronRight, ChevronUp, Regex, SquareTerminal, WholeWord, X } from 'lucide-react';
import { useEffect, useRef, useState, type ReactNode } from 'react';
import { useSignal } from '../../ui/useSignal';
import type { Finder } from './finder';
import type { Find, Query } from './query';
import './find.css';

/** Nobody types more than this to find something. */
const LONGEST = 2_000;

/** What is looked for and what replaces it. Enter goes on, Shift Enter back, Escape closes. `children` stand after the ways to the next. */
export function Fields({ find, finder, on, children }: { find: Find; finder: Finder; on: () => void; children?: ReactNode }) {
  const query = useSignal(find.query);
  const asked = useSignal(find.asked);
  const replacing = useSignal(find.replacing);
  const input = useRef<HTMLInputElement>(null);
  const next = useRef<HTMLButtonElement>(null);
  const [by, setBy] = useState('');
  useEffect(() => {
    const { early } = find;
    find.early = false;
    // After a hit was touched in the list, no keyboard is to come over it.
    if (asked === 0) return next.current?.focus();
    input.current?.focus();
    if (early) input.current?.setSelectionRange(LONGEST, LONGEST);
    else input.current?.select();
  }, [asked, find]);
  const set = (part: Partial<Query>) => find.query.set({ ...query, ...part });
  const step = (by: 1 | -1) => {
    finder.next(by);
    on();
  };
  const onKeyDown = (e: React.KeyboardEvent) => {
    if (e.nativeEvent.isComposing || e.key !== 'Enter' || !(e.target instanceof HTMLInputElement)) return;
    if (e.target === input.current) step(e.shiftKey ? -1 : 1);
    else finder.replace(by);
    e.preventDefault();
  };
  return (
    <div className="find-fields" onKeyDown={onKeyDown}>
      <div className="find-row">
        <button type="button" className="tool" aria-label="Replace" aria-expanded={replacing} title="Replace (Ctrl H)" onClick={() => find.replacing.set(!replacing)}>
          {replacing ? <ChevronDown size={14} /> : <ChevronRight size={14} />}
        </button>
        <input ref={input} className="field grow" aria-label="Find" placeholder="Find in all cells" spellCheck={false} autoComplete="off" maxLength={LONGEST} value={query.text} onChange={(e) => set({ text: e.target.value })} />
        <span className="find-flips">
          <Flip label="Match case" icon={<CaseSensitive size={16} />} on={query.cased} flip={() => set({ cased: !query.cased })} />
          <Flip label="Whole words" icon={<WholeWord size={16} />} on={query.whole} flip={() => set({ whole: !query.whole })} />
          <Flip label="Regular expression" icon={<Regex size={14} />} on={query.regexp} flip={() => set({ regexp: !query.regexp })} />
          <Flip label="In outputs too" icon={<SquareTerminal size={14} />} on={query.outputs} flip={() => set({ outputs: !query.outputs })} />
        </span>
        <span className="find-ways">
          <Count find={find} />
          <button type="button" className="tool" aria-label="Previous match" title="Previous (Shift Enter)" onClick={() => step(-1)}>
            <ChevronUp size={14} />
          </button>
          <button ref={next} type="button" className="tool" aria-label="Next match" title="Next (Enter)" onClick={() => step(1)}>
            <ChevronDown size={14} />
          </button>
          {children}
          <button type="button" className="tool" aria-label="Close find" title="Close (Esc)" onClick={() => find.close()}>
            <X size={14} />
          </button>
        </span>
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
    </div>
  );
}

function Flip(props: { label: string; icon: ReactNode; on: boolean; flip: () => void }) {
  return (
    <button type="button" className="tool find-flip" aria-label={props.label} title={props.label} aria-pressed={props.on} onClick={props.flip}>
      {props.icon}
    </button>
  );
}

function Count({ find }: { find: Find }) {
  const { places, at, wrong, more, busy } = useSignal(find.found);
  const empty = useSignal(find.query).text === '';
  const none = !empty && !busy && places.length === 0;
  const words = wrong || (empty ? '' : places.length > 0 ? `${at + 1} of ${places.length.toLocaleString('en')}${more ? '+' : ''}` : busy ? '…' : 'none');
  return (
    <span className={`find-count${wrong || none ? ' find-none' : ''}`} role="status" title={wrong}>
      {words}
    </span>
  );
}
