import { describe, expect, it } from 'vitest';
import { altairSpec } from './altair';

const html = (args: string) => `<div id="altair-viz-1"></div>\n<script type="text/javascript">\n  (function(spec, embedOpt){ if (spec) { draw("altair-viz-1") } })(${args});\n</script>`;

describe('altairSpec', () => {
  it('finds the description and how it is to be embedded', () => {
    const spec = { $schema: 'https://vega.github.io/schema/vega-lite/v6.json', mark: 'bar', title: 'a })({"x": 1}); </scr' };
    expect(JSON.parse(altairSpec(html(`${JSON.stringify(spec)}, {"mode": "vega-lite", "theme": "dark"}`)) ?? '')).toEqual({ ...spec, usermeta: { embedOptions: { mode: 'vega-lite', theme: 'dark' } } });
  });
  it('leaves other HTML alone', () => {
    for (const other of ['', '<b>"altair-viz-1"</b>', html('{"mark": "bar"}, {}'), html('spec, {}'), `${html('{"$schema": "s"}, {}')}<p>more</p>`]) expect(altairSpec(other)).toBeNull();
  });
});
