import { useEffect, useState } from 'react';
import { fileUrl } from '../../outputs';
import { bytes, baseName, isNotebook } from '../../ui/words';
import { useServices } from '../context';
import type { Beginning } from './api';
import { jsonError } from './jsonError';

/** Bytes of a file that are shown. A notebook is looked through as a whole, for what is wrong in it. */
const SHOWN = 1_000_000;
const SHOWN_NOTEBOOK = 100_000_000;
/** ms after which it is said that a file is being read. */
const LATE = 400;
const PICTURE = /\.(png|jpe?g|gif|webp|bmp|avif|svg)$/i;

/** A file that is no notebook, or one that is broken: shown as text, never written. `bare`: without a word about what it is. */
export function TextFile({ path, bare = false }: { path: string; bare?: boolean }) {
  const { files, go } = useServices();
  const [read, setRead] = useState<Beginning | null>(null);
  const [late, setLate] = useState(false);
  const [error, setError] = useState('');
  const picture = PICTURE.test(path);
  useEffect(() => {
    if (picture) return;
    let live = true;
    setRead(null);
    setError('');
    setLate(false);
    const timer = setTimeout(() => live && setLate(true), LATE);
    files.read(path, isNotebook(path) ? SHOWN_NOTEBOOK : SHOWN).then(
      (r) => live && setRead(r),
      (e: unknown) => live && setError(e instanceof Error ? e.message : String(e)),
    );
    return () => {
      live = false;
      clearTimeout(timer);
    };
  }, [files, path, picture]);
  const binary = read !== null && read.text.includes('\0');
  const text = binary ? null : (read?.text ?? null);
  const broken = text !== null && isNotebook(path) ? jsonError(text) : null;
  return (
    <div className="column full">
      {error !== '' && <p className="panel-error">{error}</p>}
      {late && read === null && error === '' && <p className="muted">Reading {baseName(path)}…</p>}
      {binary && (
        <p className="muted">
          This file is not text ({bytes(read.size)}). <Download path={path} words="Download it" />
        </p>
      )}
      {text === '' && <p className="muted">This file is empty.</p>}
      {broken && !bare && (
        <div className="banner banner-err" role="alert">
          This notebook is not valid JSON: {broken.message}
          {broken.line > 0 && ` (line ${broken.line}, column ${broken.column})`}. The file is shown as it is and is not changed.
        </div>
      )}
      {text !== null && !broken && !bare && isNotebook(path) && (
        <div className="banner">
          The notebook’s file, as text.{' '}
          <button type="button" className="link" onClick={() => go({ kind: 'notebook', path })}>
            Open it as a notebook
          </button>
        </div>
      )}
      {picture && <img className="file-picture" src={fileUrl('', path)} alt={baseName(path)} />}
      {text !== null && text !== '' && <Lines text={text.slice(0, SHOWN)} mark={broken?.line ?? 0} />}
      {text !== null && read !== null && (read.size > SHOWN || text.length > SHOWN) && (
        <p className="muted">
          The first {bytes(SHOWN)} of {bytes(read.size)}. <Download path={path} words="Download all" />
        </p>
      )}
    </div>
  );
}

function Download({ path, words }: { path: string; words: string }) {
  return (
    <a href={`${fileUrl('', path)}&download=1`} download={baseName(path)}>
      {words}
    </a>
  );
}

function Lines({ text, mark }: { text: string; mark: number }) {
  const lines = text.split('\n');
  const blocks: string[][] = [];
  for (let i = 0; i < lines.length; i += 200) blocks.push(lines.slice(i, i + 200));
  return (
    <div className="file-text mono" tabIndex={0} role="region" aria-label="Text of the file">
      {blocks.map((block, b) => (
        <div key={b} className="file-block" style={{ containIntrinsicSize: `auto ${block.length * 20}px` }}>
          {block.map((line, i) => {
            const n = b * 200 + i + 1;
            return (
              <div key={n} className={`file-line${n === mark ? ' marked' : ''}`} data-n={n}>
                {line || '\u200b'}
              </div>
            );
          })}
        </div>
      ))}
    </div>
  );
}
