/** A figure of Plotly as the library that draws it wants it: pure. */
import type { Data, Frame, Layout } from 'plotly.js-dist-min';
import { at, isFields, type Fields, type Theme } from '../outputs/chartWords';

/** No button that leads to another site, and none for a file: a frame may save none. */
const CONFIG = { displaylogo: false, responsive: true, plotlyServerURL: '', showSendToCloud: false, showEditInChartStudio: false, showLink: false, modeBarButtonsToRemove: ['toImage', 'sendDataToCloud'] };

interface Figure {
  readonly data: Data[];
  readonly layout: Partial<Layout>;
  readonly config: Fields;
  readonly frames: Partial<Frame>[];
}

export function figureOf(figure: unknown, theme: Theme): Figure {
  if (!isFields(figure)) throw new Error('the figure is not an object');
  const { data, layout, config, frames } = withoutMapbox(figure);
  if (data !== undefined && !isList<Data>(data)) throw new Error('the figure’s data is not a list of traces');
  const onIt = onPage(isFields(layout) ? layout : {}, theme);
  return {
    data: data ?? [],
    layout: isLayout(onIt) ? onIt : {},
    config: { ...(isFields(config) ? config : {}), ...CONFIG },
    frames: isList<Partial<Frame>>(frames) ? frames : [],
  };
}

const isLayout = (value: unknown): value is Partial<Layout> => isFields(value);

/** A list of objects; what is in them is for the library to read. */
function isList<T extends object>(value: unknown): value is T[] {
  return Array.isArray(value) && value.every(isFields);
}

/** A figure that brings no background shows the page's, and what it leaves open has colours to that. */
function onPage(layout: Fields, { vars }: Theme): Fields {
  const template = isFields(layout['template']) ? layout['template'] : {};
  if (at(layout, 'paper_bgcolor') !== undefined || at(template, 'layout', 'paper_bgcolor') !== undefined) return layout;
  const axis = { gridcolor: vars['--line'], linecolor: vars['--line-strong'], zerolinecolor: vars['--line-strong'] };
  const ours = { paper_bgcolor: 'rgba(0,0,0,0)', plot_bgcolor: 'rgba(0,0,0,0)', font: { color: vars['--text'], family: vars['--sans'] }, xaxis: axis, yaxis: axis };
  return { ...layout, template: { ...template, layout: under(at(template, 'layout'), ours) } };
}

/** `own`, and of `others` what it does not say. */
function under(own: unknown, others: Fields): Fields {
  const out: Record<string, unknown> = { ...others, ...(isFields(own) ? own : {}) };
  for (const [key, other] of Object.entries(others)) if (isFields(other) && isFields(out[key])) out[key] = under(out[key], other);
  return out;
}

/** The library has no `mapbox` any more, but what took its place: older figures hold its traces (`scattermapbox`), their subplots and their layout. */
function withoutMapbox(figure: Fields): Fields {
  const text = JSON.stringify(figure);
  if (!text.includes('mapbox')) return figure;
  const renamed: unknown = JSON.parse(text, (key, value: unknown) => {
    if ((key === 'type' || key === 'subplot') && typeof value === 'string') return newName(value);
    if (!isFields(value)) return value;
    return Object.fromEntries(Object.entries(value).map(([k, v]) => [newName(k), v]));
  });
  return isFields(renamed) ? renamed : figure;
}

function newName(name: string): string {
  return name.replace(/^(scatter|choropleth|density)mapbox$/, '$1map').replace(/^mapbox(\d*)$/, 'map$1');
}
