import { useContext, useEffect, useRef, useState } from 'react';
import { bytes } from '../ui/words';
import { outputUrl, Surroundings } from './context';
import { StreamText, type Mark, type TextFeed } from './StreamText';

/** Taller than this, the text scrolls in a box of its own and follows its end. */
const TALL = 640;

export function StreamView(props: { id: string; name: 'stdout' | 'stderr'; feed: TextFeed }) {
  const { feed, id } = props;
  const { notebook } = useContext(Surroundings);
  const box = useRef<HTMLDivElement>(null);
  const text = useRef<HTMLDivElement>(null);
  const [tall, setTall] = useState(false);
  const [whole, setWhole] = useState(false);
  useEffect(() => {
    const el = text.current;
    const scroller = box.current;
    if (!el || !scroller) return;
    let follow = true;
    const onScroll = () => {
      follow = scroller.scrollTop + scroller.clientHeight >= scroller.scrollHeight - 24;
    };
    scroller.addEventListener('scroll', onScroll, { passive: true });
    const stream = new StreamText(el, feed, {
      mark: () => cutMark(() => outputUrl(notebook(), id)),
      drawn: (short) => {
        // Heights are asked for only where they matter: each asking makes the browser lay out the page at once.
        if (short) return setTall(false);
        const height = el.scrollHeight;
        setTall(height > TALL);
        if (follow && height > TALL) scroller.scrollTop = height;
      },
    });
    return () => {
      scroller.removeEventListener('scroll', onScroll);
      stream.close();
    };
  }, [feed, id, notebook]);
  const boxed = tall && !whole;
  return (
    <div className={`out out-stream out-${props.name}`}>
      <div
        ref={box}
        className={`out-scroll${boxed ? ' boxed' : ''}`}
        tabIndex={boxed ? 0 : undefined}
        role={boxed ? 'region' : undefined}
        aria-label={boxed ? (props.name === 'stderr' ? 'Error text' : 'Printed text') : undefined}
      >
        <div ref={text} className="out-text" />
      </div>
      {tall && (
        <button type="button" className="out-more" onClick={() => setWhole(!whole)}>
          {whole ? 'Show less' : 'Show all of it'}
        </button>
      )}
    </div>
  );
}

function cutMark(href: () => string): Mark {
  const el = document.createElement('div');
  el.className = 'cut-mark';
  const words = document.createElement('span');
  const link = document.createElement('a');
  link.download = 'output.txt';
  el.append(words, ' ', link);
  return {
    el,
    say: (left, total) => {
      words.textContent = `${bytes(left)} in the middle are not shown.`;
      link.textContent = `Download all (${bytes(total)})`;
      link.href = href();
    },
  };
}
