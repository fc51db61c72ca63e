import plotlyUrl from '../charts/plotly?worker&url';
import vegaUrl from '../charts/vega?worker&url';
import type { Library } from '../charts/words';

const urls: Readonly<Record<Library, string>> = { vega: vegaUrl, plotly: plotlyUrl };
const fetched = new Map<Library, Promise<string>>();

/** What draws charts, as text, fetched once: a frame of an opaque origin cannot fetch it itself. If it cannot be had, what says so in its place. */
export function loadLibrary(library: Library): Promise<string> {
  const known = fetched.get(library);
  if (known) return known;
  const text = fetch(urls[library])
    .then((r) => (r.ok ? r.text() : Promise.reject(new Error(`the server answered ${r.status}`))))
    .catch((error: unknown) => {
      fetched.delete(library);
      return `runnelPaint('${library}', () => { throw new Error(${JSON.stringify(`what draws it could not be fetched (${error instanceof Error ? error.message : String(error)})`)}); });`;
    });
  fetched.set(library, text);
  return text;
}
