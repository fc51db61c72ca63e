import { useContext, useState } from 'react';
import { useText } from './blob';
import { fileUrl, Surroundings } from './context';
import { ImageView } from './ImageView';
import { JsonView } from './JsonView';
import { LatexView, MarkdownView } from './MarkdownView';
import { type Choice } from './registry';
import { TextView } from './TextView';

/** One value of the page lane. */
export function RichView({ choice, value, metadata }: { choice: Choice; value: unknown; metadata: unknown }) {
  if (choice.renderer === 'image' || choice.renderer === 'svg') return <ImageView mime={choice.mime} value={value} metadata={metadata} alt="Output of the cell" />;
  if (choice.renderer === 'json' && typeof value === 'object' && value !== null && !('runnel_blob' in value)) return <JsonView value={value} />;
  return <Fetched choice={choice} value={value} />;
}

function Fetched({ choice, value }: { choice: Choice; value: unknown }) {
  const loaded = useText(value);
  const { notebook } = useContext(Surroundings);
  const [resolve] = useState(() => (url: string) => (/^(https?:|mailto:|data:)/i.test(url) ? url : fileUrl(notebook(), decodeURI(url))));
  if (loaded.kind === 'loading') return <div className="out out-note muted">Fetching the output…</div>;
  if (loaded.kind === 'failed') return <div className="out out-note muted">This output could not be fetched: {loaded.why}.</div>;
  if (choice.renderer === 'markdown') return <MarkdownView source={loaded.text} resolve={resolve} className="out" />;
  if (choice.renderer === 'latex') return <LatexView source={loaded.text} />;
  if (choice.renderer === 'json') return <JsonView value={loaded.text} />;
  return (
    <div className="out">
      <TextView text={loaded.text} />
    </div>
  );
}
