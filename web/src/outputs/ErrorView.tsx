import { Check, ChevronRight, Copy } from 'lucide-react';
import { useContext, useMemo, useState } from 'react';
import { count } from '../ui/words';
import { strip } from './ansi';
import { Surroundings } from './context';
import { TextView } from './TextView';
import { readTraceback, type Frame } from './traceback';

/** An error: what it is, the frame where it happened, the rest folded. */
export function ErrorView(props: { ename: string; evalue: string; traceback: readonly string[] }) {
  const { ename, evalue, traceback } = props;
  const { frames, whole } = useMemo(() => readTraceback(traceback, ename, evalue), [traceback, ename, evalue]);
  const [open, setOpen] = useState(false);
  const last = frames.at(-1);
  const rest = frames.slice(0, -1).reverse();
  return (
    <div className="out out-error">
      <div className="err-head">
        <div className="out-text grow">
          <b>{ename || 'Error'}</b>
          {evalue ? `: ${strip(evalue)}` : ''}
        </div>
        <CopyButton text={() => strip(traceback.join('\n')) || `${ename}: ${evalue}`} />
      </div>
      {last && <FrameRow frame={last} />}
      {rest.length > 0 && (
        <button type="button" className="fold" aria-expanded={open} onClick={() => setOpen(!open)}>
          <ChevronRight size={14} className={open ? 'turned' : ''} />
          {open ? 'Fewer frames' : `${count(rest.length, 'more frame')}`}
        </button>
      )}
      {open && rest.map((frame, i) => <FrameRow key={i} frame={frame} />)}
      {whole.trim() !== '' && <TextView text={whole} className="out-text err-whole" />}
    </div>
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
