import { useEffect, useState } from 'react';
import { fileUrl } from '../../outputs';
import { bytes, baseName } from '../../ui/words';
import { useServices } from '../context';
import { jsonError } from './jsonError';

const SHOWN = 1_000_000;
const PICTURE = /\.(png|jpe?g|gif|webp|bmp|avif|svg)$/i;

/** A file that is no notebook, or one that is broken: shown as text, never written. `bare`: without a word about what it is. */
export function TextFile({ path, bare = false }: { path: string; bare?: boolean }) {
  const { files, go } = useServices();
  const [text, setText] = useState<string | null>(null);
  const [error, setError] = useState('');
  const picture = PICTURE.test(path);
  useEffect(() => {
    if (picture) return;
    let live = true;
    setText(null);
    setError('');
    files.read(path).then(
      (t) => live && setText(t),
      (e: unknown) => live && setError(e instanceof Error ? e.message : String(e)),
    );
    return () => {
      live = false;
    };
  }, [files, path, picture]);
  const broken = text !== null && path.endsWith('.ipynb') ? jsonError(text) : null;
  return (
    <div className="column full">
      {error !== '' && <p className="panel-error">{error}</p>}
      {broken && !bare && (
        <div className="banner banner-err" role="alert">
          This notebook is not valid JSON: {broken.message}
          {broken.line > 0 && ` (line ${broken.line}, column ${broken.column})`}. The file is shown as it is and is not changed.
        </div>
      )}
      {text !== null && !broken && !bare && path.endsWith('.ipynb') && (
        <div className="banner">
          The notebook’s file, as text.{' '}
          <button type="button" className="link" onClick={() => go({ kind: 'notebook', path })}>
            Open it as a notebook
          </button>
        </div>
      )}
      {picture && <img className="file-picture" src={fileUrl('', path)} alt={baseName(path)} />}
      {text !== null && <Lines text={text.slice(0, SHOWN)} mark={broken?.line ?? 0} />}
      {text !== null && text.length > SHOWN && (
        <p className="muted">
          The first {bytes(SHOWN)} of {bytes(text.length)}.{' '}
          <a href={`${fileUrl('', path)}&download=1`} download={baseName(path)}>
            Download all
          </a>
        </p>
      )}
    </div>
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
