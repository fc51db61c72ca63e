import { useCallback } from 'react';
import { highlight, loadGrammar } from '../../editor/highlight';
import type { CellStore } from '../../notebook/store';
import { fileUrl, MarkdownView } from '../../outputs';
import type { CellType, JsonObject } from '../../protocol/types';
import { useSelected, useSignal } from '../../ui/useSignal';
import { decoded } from '../../ui/words';
import { routeUrl } from '../route';
import { Code, type SourceHandle } from './Code';
import { useNotebook } from './context';

/** Text: rendered, or as its source while it is written. Raw cells are always source. */
export function MarkdownBody(props: { cell: CellStore; type: CellType; index: number; handle: (h: SourceHandle | null) => void }) {
  const { cell, type, index, handle } = props;
  const notebook = useNotebook();
  const open = useSelected(notebook.cursor.opened, (o) => o.has(cell.id));
  const source = useSignal(cell.source);
  const attachments = useSignal(cell.attachments);
  const path = useSignal(notebook.store.name);
  const resolve = useCallback((url: string) => resolveUrl(url, path, attachments), [path, attachments]);
  if (type === 'raw' || open) {
    const label = `Cell ${index + 1}, ${type === 'raw' ? 'raw' : 'text'}`;
    return (
      <div className="box box-text">
        <Code cell={cell} language={type === 'raw' ? 'text' : 'markdown'} label={label} placeholder={type === 'raw' ? 'Raw text' : 'Write text, with Markdown'} handle={handle} alwaysLive={open} />
      </div>
    );
  }
  return (
    <div className="rendered" onDoubleClick={() => notebook.cursor.focus(cell.id, 'edit')}>
      {source.trim() === '' ? <p className="md-empty">Empty text. Enter or a double click to write.</p> : <MarkdownView source={source} resolve={resolve} colour={colour} />}
    </div>
  );
}

const colour = async (code: string, language: string) => ((await loadGrammar(language)) ? highlight(code, language) : null);

/** Where a link or picture of a Markdown cell leads. */
export function resolveUrl(url: string, notebook: string, attachments: JsonObject): string {
  if (url.startsWith('attachment:')) return attachmentUrl(decoded(url.slice('attachment:'.length)), attachments);
  if (/^[a-z][a-z0-9+.-]*:/i.test(url) || url.startsWith('//')) return url;
  const [path = '', hash = ''] = url.split('#', 2);
  const served = fileUrl(notebook, decoded(path));
  if (!/\.ipynb$/i.test(path)) return served;
  const target = new URLSearchParams(served.slice(served.indexOf('?'))).get('path') ?? '';
  return routeUrl({ kind: 'notebook', path: target }) + (hash ? `#${hash}` : '');
}

function attachmentUrl(name: string, attachments: JsonObject): string {
  const bundle = attachments[name];
  if (typeof bundle !== 'object' || bundle === null || Array.isArray(bundle)) return '';
  for (const [mime, data] of Object.entries(bundle)) {
    if (mime.startsWith('image/') && typeof data === 'string') return `data:${mime};base64,${data}`;
  }
  return '';
}
