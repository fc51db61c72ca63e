import { Check, ChevronRight, Copy } from 'lucide-react';
import { useContext, useMemo, useState } from 'react';
import { count } from '../ui/words';
import { strip } from './ansi';
import { Surroundings } from './context';
import { TextView } from './TextView';
import { forReader, readTraceback, type Frame, type Raised } from './traceback';

/** An error: what it is, the frame where it happened, the rest folded; below it the errors that led to it, each the same way. */
export function ErrorView(props: { ename: string; evalue: string; traceback: readonly string[] }) {
  const { ename, evalue, traceback } = props;
  const { chain, whole } = useMemo(() => readTraceback(traceback, ename, evalue), [traceback, ename, evalue]);
  const last = chain.at(-1);
  return (
    <div className="out out-error">
      <div className="err-head">
        <div className="out-text grow">
          <b>{ename || 'Error'}</b>
          {evalue ? `: ${strip(evalue)}` : ''}
        </div>
        <CopyButton text={() => strip(traceback.join('\n')) || `${ename}: ${evalue}`} />
      </div>
      {last && <Frames raised={last} />}
      {chain
        .slice(0, -1)
        .map((raised, i) => <Earlier key={i} raised={raised} how={chain[i + 1]?.before ?? 'none'} />)
        .reverse()}
      {whole.trim() !== '' && <TextView text={whole} className="out-text err-whole" />}
    </div>
  );
}

const HOW = { cause: 'Caused by', context: 'Raised while handling', none: 'Before it' } as const;

function Earlier({ raised, how }: { raised: Raised; how: Raised['before'] }) {
  return (
    <div className="err-earlier">
      <div className="out-text">
        <span className="err-how">{HOW[how]}</span> <b>{raised.name}</b>
        {raised.value ? `: ${raised.value}` : ''}
      </div>
      <Frames raised={raised} />
    </div>
  );
}

function Frames({ raised }: { raised: Raised }) {
  const [open, setOpen] = useState(false);
  const { shown, rest } = useMemo(() => forReader(raised.frames), [raised.frames]);
  const folded = raised.frames.length - shown.length;
  return (
    <>
      {raised.notes !== '' && <TextView text={raised.notes} />}
      {shown.map((frame, i) => (
        <FrameRow key={i} frame={frame} />
      ))}
      {folded > 0 && (
        <button type="button" className="fold" aria-expanded={open} onClick={() => setOpen(!open)}>
          <ChevronRight size={14} className={open ? 'turned' : ''} />
          {open ? 'Fewer frames' : `${count(folded, 'more frame')}`}
        </button>
      )}
      {open &&
        rest.map(({ frame, times }, i) => (
          <div key={i}>
            <FrameRow frame={frame} />
            {times > 1 && <div className="err-where">the same frame {count(times, 'time')} in a row</div>}
          </div>
        ))}
    </>
  );
}

function FrameRow({ frame }: { frame: Frame }) {
  const { jumpToCount } = useContext(Surroundings);
  const { count: cell } = frame;
  return (
    <div className="err-frame">
      {cell === undefined ? (
        <span className="err-where">{frame.where}</span>
      ) : (
        <button type="button" className="err-where link" onClick={() => jumpToCount(cell)}>
          {frame.where}
        </button>
      )}
      {frame.text !== '' && <TextView text={frame.text} />}
    </div>
  );
}

function CopyButton({ text }: { text: () => string }) {
  const [done, setDone] = useState(false);
  const copy = () => {
    void navigator.clipboard?.writeText(text()).then(() => {
      setDone(true);
      setTimeout(() => setDone(false), 1500);
    });
  };
  return (
    <button type="button" className="btn btn-icon btn-small err-copy" aria-label={done ? 'Copied' : 'Copy the traceback'} title={done ? 'Copied' : 'Copy the traceback'} onClick={copy}>
      {done ? <Check size={14} /> : <Copy size={14} />}
    </button>
  );
}
