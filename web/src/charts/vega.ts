import embed, { vega, type Config, type EmbedOptions, type VisualizationSpec } from 'vega-embed';
import { at, isFields, type Fields, type Theme } from '../outputs/chartWords';

/**
 * Draws Vega and Vega-Lite in an output frame. Bundled apart from the page, fetched by it when the first such chart is shown, run in
 * the frame only. Expressions are interpreted, so that a description never becomes code. What it would load from elsewhere it has not.
 */
window.runnelPaint?.('vega', async (box, chart, miss) => {
  const spec: unknown = JSON.parse(chart.data);
  if (!isSpec(spec)) throw new Error('the description is not an object');
  const own = ownOptions(spec);
  const wrong: string[] = [];
  const logger = vega.logger(vega.Error);
  logger.error = (...words) => {
    wrong.push(words.map((w) => (w instanceof Error ? w.message : String(w))).join(' '));
    return logger;
  };
  const result = await embed(box, { ...spec, usermeta: undefined }, {
    renderer: 'svg',
    ...own,
    mode: /vegalite/.test(chart.mime) ? 'vega-lite' : 'vega',
    config: own.theme || hasBackground(spec) ? {} : configOf(chart.theme, /vegalite/.test(chart.mime)),
    loader: loaderThat(miss),
    logger,
    ast: true,
    actions: false,
    defaultStyle: false,
  });
  if (wrong[0] !== undefined) {
    result.finalize();
    throw new Error(wrong[0]);
  }
  return () => result.finalize();
});

function isSpec(value: unknown): value is VisualizationSpec & Fields {
  return isFields(value);
}

/** What a description says of how it wants to be embedded. */
function ownOptions(spec: Fields): EmbedOptions {
  const own = at(spec, 'usermeta', 'embedOptions');
  const renderer = at(own, 'renderer') === 'canvas' ? 'canvas' : 'svg';
  const { theme, formatLocale, timeFormatLocale }: EmbedOptions = isFields(own) ? own : {};
  return { renderer, ...(theme ? { theme } : {}), ...(formatLocale ? { formatLocale } : {}), ...(timeFormatLocale ? { timeFormatLocale } : {}) };
}

/** Colours are the page's where the background is: a chart that brings its own has colours to it. */
function hasBackground(spec: Fields): boolean {
  return typeof at(spec, 'background') === 'string' || typeof at(spec, 'config', 'background') === 'string';
}

function configOf({ vars }: Theme, lite: boolean): Config {
  const [text, muted, line, strong, font] = ['--text', '--muted', '--line', '--line-strong', '--sans'].map((name) => vars[name]);
  return {
    background: 'transparent',
    font,
    title: { color: text, subtitleColor: muted },
    style: { 'guide-label': { fill: muted, font }, 'guide-title': { fill: text, font }, 'group-title': { fill: text, font }, ...(lite ? { cell: { stroke: line } } : {}) },
    axis: { domainColor: strong, tickColor: strong, gridColor: line },
    ...(lite ? { text: { color: text }, rule: { color: text }, view: { stroke: line } } : { text: { fill: text }, rule: { stroke: text } }),
  };
}

/** Nothing is loaded; a link is opened by the page. */
function loaderThat(miss: (url: string) => void): ReturnType<typeof vega.loader> {
  const usual = vega.loader();
  return {
    ...usual,
    load: (url) => {
      miss(url);
      return Promise.reject(new Error('an output frame reaches no network'));
    },
    sanitize: async (url, options) => {
      const clean = await usual.sanitize(url, options);
      if (at(options, 'context') !== 'href') return clean;
      window.runnelOpen?.(clean.href);
      throw new Error('opened by the page');
    },
  };
}
