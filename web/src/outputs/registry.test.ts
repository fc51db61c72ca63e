import { describe, expect, it } from 'vitest';
import { choose, segments, textOf } from './registry';

describe('choose', () => {
  it('takes the richest type', () => {
    expect(choose({ 'text/plain': 'x', 'text/html': '<b>' })).toEqual({ mime: 'text/html', renderer: 'html', lane: 'frame' });
    expect(choose({ 'text/plain': 'x', 'image/png': 'aaaa', 'text/latex': '$x$' })?.mime).toBe('text/latex');
    expect(choose({ 'text/plain': 'x', 'application/vnd.plotly.v1+json': {} })?.mime).toBe('text/plain');
  });
  it('puts what can act into the frame, and only that', () => {
    expect(choose({ 'application/javascript': 'x' })?.lane).toBe('frame');
    expect(choose({ 'image/svg+xml': '<svg><script>x</script></svg>' })?.lane).toBe('frame');
    expect(choose({ 'image/svg+xml': '<svg onload="x"/>' })?.lane).toBe('frame');
    expect(choose({ 'image/svg+xml': '<svg><path/></svg>' })?.lane).toBe('page');
  });
  it('shows a widget in a frame of its own', () => expect(choose({ 'text/plain': 'x', 'application/vnd.jupyter.widget-view+json': { model_id: 'm' } })).toMatchObject({ renderer: 'widget', lane: 'widget' }));
  it('takes a chart before its HTML, where charts can be drawn', () => {
    const html = { 'text/plain': 'x', 'text/html': '<div>' };
    for (const mime of ['application/vnd.vegalite.v4+json', 'application/vnd.vegalite.v5.20.1+json', 'application/vnd.vegalite.v6.json', 'application/vnd.vega.v5+json']) {
      expect(choose({ ...html, [mime]: {} }, { charts: true })).toEqual({ mime, renderer: 'vega', lane: 'frame' });
    }
    expect(choose({ ...html, 'application/vnd.plotly.v1+json': {} }, { charts: true })).toEqual({ mime: 'application/vnd.plotly.v1+json', renderer: 'plotly', lane: 'frame' });
    expect(choose({ ...html, 'application/vnd.plotly.v1+json': {} })?.renderer).toBe('html');
    expect(choose({ 'application/vnd.vegalite.v5+jsonp': {} }, { charts: true })).toBeNull();
  });
  it('has nothing for an empty bundle', () => expect(choose({})).toBeNull());
});

describe('segments', () => {
  it('joins neighbours of the frame lane only', () => {
    const lane = (n: number) => (n > 9 ? ('frame' as const) : ('page' as const));
    expect(segments([1, 2, 10, 11, 3, 12], lane).map((s) => s.items)).toEqual([[1], [2], [10, 11], [3], [12]]);
  });
});

describe('textOf', () => {
  it('joins lists of lines', () => expect(textOf(['a\n', 'b'])).toBe('a\nb'));
});
