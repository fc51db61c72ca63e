import { useEffect, useState } from 'react';
import type { NotebookStore } from '../../notebook/store';
import { choose, FrameView, RichView } from '../../outputs';
import type { MimeBundle } from '../../protocol/types';
import { PanelHead } from '../../ui/PanelHead';
import { useNotebook } from './context';

/** What the kernel shows beside the notebook, such as help: a panel at the foot of the cells. */
export function Pager({ store }: { store: NotebookStore }) {
  const [data, setData] = useState<MimeBundle | null>(null);
  useEffect(() => store.on('payload', (p) => setData(p.data)), [store]);
  const { cursor } = useNotebook();
  const close = () => {
    setData(null);
    cursor.refocus();
  };
  const shown = data !== null;
  useEffect(() => {
    if (!shown) return;
    const onKey = (e: KeyboardEvent) => {
      const at = e.target instanceof Element ? e.target : null;
      if (e.key !== 'Escape' || e.defaultPrevented || at?.closest('dialog, [role=menu], .find')) return;
      setData(null);
      if (at?.closest('.pager')) cursor.refocus();
    };
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  }, [shown, cursor]);
  if (!data) return null;
  const plain: MimeBundle = 'text/plain' in data ? { 'text/plain': data['text/plain'] ?? '' } : data;
  const choice = choose(plain);
  if (!choice) return null;
  return (
    <section className="pager" aria-label="Help">
      <PanelHead title="Help" close={close} className="pager-head" />
      <div className="pager-body" tabIndex={0} role="region" aria-label="Help text">
        {choice.lane === 'frame' ? <FrameView sources={[{ id: 'pager', rev: 1, mime: choice.mime, renderer: choice.renderer, value: plain[choice.mime] }]} /> : <RichView choice={choice} value={plain[choice.mime]} metadata={{}} />}
      </div>
    </section>
  );
}
