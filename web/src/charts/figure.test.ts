import { describe, expect, it } from 'vitest';
import { figureOf } from './figure';
import { at } from '../outputs/chartWords';

const theme = { scheme: 'dark', vars: { '--text': 'ink', '--line': 'thin', '--line-strong': 'thick', '--sans': 'letters' } };

describe('figureOf', () => {
  it('gives a figure without a background the page’s colours, under what it says itself', () => {
    const { layout } = figureOf({ data: [], layout: { font: { size: 9 }, template: { layout: { xaxis: { gridcolor: 'own' } } } } }, theme);
    expect(layout).toMatchObject({ font: { size: 9 }, template: { layout: { paper_bgcolor: 'rgba(0,0,0,0)', font: { color: 'ink' }, xaxis: { gridcolor: 'own', linecolor: 'thick' }, yaxis: { gridcolor: 'thin' } } } });
  });
  it('leaves a figure with a background as it is', () => {
    for (const layout of [{ paper_bgcolor: 'white' }, { template: { layout: { paper_bgcolor: 'white' } } }]) expect(figureOf({ layout }, theme).layout).toEqual(layout);
  });
  it('has no button that leads elsewhere, whatever the figure says', () => {
    expect(figureOf({ config: { displaylogo: true, plotlyServerURL: 'https://a.test', scrollZoom: true } }, theme).config).toMatchObject({ displaylogo: false, plotlyServerURL: '', scrollZoom: true });
  });
  it('gives older maps their new names', () => {
    const { data, layout } = figureOf({ data: [{ type: 'scattermapbox', subplot: 'mapbox2', name: 'mapbox' }], layout: { mapbox2: { zoom: 3 }, template: { data: { densitymapbox: [{ type: 'densitymapbox' }] }, layout: { paper_bgcolor: 'white' } } } }, theme);
    expect(data).toEqual([{ type: 'scattermap', subplot: 'map2', name: 'mapbox' }]);
    expect(at(layout, 'map2')).toEqual({ zoom: 3 });
    expect(at(layout, 'template', 'data')).toEqual({ densitymap: [{ type: 'densitymap' }] });
  });
  it('says what is no figure', () => {
    expect(() => figureOf([], theme)).toThrow('not an object');
    expect(() => figureOf({ data: {} }, theme)).toThrow('not a list of traces');
    expect(() => figureOf({ data: ['x'] }, theme)).toThrow('not a list of traces');
  });
});
