import plotlyUrl from '../charts/plotly?worker&url';
import vegaUrl from '../charts/vega?worker&url';
import type { Library } from './chartWords';
import { codeOf } from './frameKit';

const urls: Readonly<Record<Library, string>> = { vega: vegaUrl, plotly: plotlyUrl };

/** What draws charts, as text. If it cannot be had, what says so in a chart's place. */
export function loadLibrary(library: Library): Promise<string> {
  return codeOf(urls[library]).catch((error: unknown) => {
    const why = `what draws it could not be fetched (${error instanceof Error ? error.message : String(error)})`;
    return `runnelPaint('${library}', () => { throw new Error(${JSON.stringify(why)}); });`;
  });
}
