/** What output frames draw with what the page hands to them, and what they say of what cannot come. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BrowserContext, FrameLocator, Locator } from 'playwright-core';
import { expect, it } from 'vitest';
import { person, Tab } from './browser';
import { World } from './world';

const w = new World('frames');

const frame = (cell: Locator): FrameLocator => cell.frameLocator('iframe[title="Output"]');
const values = [{ city: 'Rome', temp: 21.5 }, { city: 'Oslo', temp: 8.25 }];
const bars = { data: { values }, mark: 'bar', encoding: { x: { field: 'city', type: 'nominal' }, y: { field: 'temp', type: 'quantitative' } } };
const line = { data: [{ type: 'scatter', mode: 'lines', x: [1, 2, 3], y: [2, 1, 3] }], layout: { height: 280 } };
const vegaLite = 'application/vnd.vegalite.v5+json';
const show = (mime: string, value: unknown): string => `display ${mime} ${typeof value === 'string' ? value : JSON.stringify(value)}`;

/** What is asked from elsewhere, from now on. */
async function askedBy(context: BrowserContext): Promise<readonly string[]> {
  const asked: string[] = [];
  await context.route((url) => /^https?:$/.test(url.protocol) && url.origin !== w.server.origin, (route) => {
    asked.push(route.request().url());
    return route.abort();
  });
  return asked;
}

/** A notebook with these outputs in its file. */
async function saved(context: BrowserContext, ...outputs: readonly Readonly<Record<string, unknown>>[]): Promise<Tab> {
  const name = await w.notebook(['']);
  const notebook: { cells: Record<string, unknown>[] } = JSON.parse(await w.server.read(name));
  notebook.cells[0] = { ...notebook.cells[0], execution_count: 1, outputs: outputs.map((data) => ({ output_type: 'display_data', metadata: {}, data })) };
  await writeFile(join(w.server.folder, name), JSON.stringify(notebook));
  return Tab.open(context, w.server.url(name));
}

async function size(what: Locator): Promise<{ width: number; height: number }> {
  const box = await what.boundingBox();
  if (!box) throw new Error('it is not to be seen');
  return box;
}

it('draws bars of Vega-Lite and a line of Plotly, again after a reload, in the colours of either theme, and asks nobody', { timeout: 120_000 }, async () => {
  const asked = await askedBy(w.context);
  const tab = await w.open(show(vegaLite, bars), show('application/vnd.plotly.v1+json', line));
  const [vega, plotly] = [tab.nth(1), tab.nth(2)];
  const bar = frame(vega).locator('.mark-rect path');
  const curve = frame(plotly).locator('.scatterlayer .js-line');
  await tab.run(vega);
  await tab.run(plotly);
  for (const again of [false, true]) {
    if (again) {
      await tab.page.reload();
      await tab.ready();
    }
    await expect.poll(() => bar.count(), { timeout: 45_000 }).toBe(2);
    expect((await size(bar.first())).height).toBeGreaterThan(20);
    await curve.waitFor();
    expect((await size(curve)).width).toBeGreaterThan(200);
    // As tall as what is in it, and as wide as there is room.
    await expect.poll(async () => (await size(plotly.locator('iframe'))).height).toBe(300);
    expect((await size(frame(plotly).locator('.main-svg').first())).width).toBeGreaterThan((await size(plotly.locator('iframe'))).width - 40);
  }
  const label = frame(vega).locator('.role-axis-label text').first();
  const number = frame(plotly).locator('.xtick text').first();
  const colours = async () => [await label.getAttribute('fill'), await number.evaluate((el) => getComputedStyle(el).fill)];
  const light = await colours();
  await tab.page.emulateMedia({ colorScheme: 'dark' });
  await expect.poll(async () => (await colours()).filter((c, i) => c === light[i])).toEqual([]);
  expect(await bar.count()).toBe(2);
  await tab.page.setViewportSize({ width: 800, height: 700 });
  await expect.poll(async () => (await size(frame(plotly).locator('.main-svg').first())).width).toBeLessThan(800);
  expect(asked).toEqual([]);
});

it('draws a chart that is too big for an event, and the HTML of Altair, whose scripts would come from elsewhere', { timeout: 120_000 }, async () => {
  const asked = await askedBy(w.context);
  const many = { ...bars, data: { values: [...Array(9_000).keys()].map((i) => ({ city: `place ${i % 7}`, temp: i, more: 'x'.repeat(20) })) }, mark: 'point' };
  const html = `<div id="altair-viz-1"></div><script>(function(spec, opt) { const s = document.createElement('script'); s.src = 'https://cdn.test/vega'; document.head.append(s); })(${JSON.stringify({ $schema: 'https://vega.github.io/schema/vega-lite/v6.json', ...bars })}, {"mode": "vega-lite"});</script>`;
  const tab = await saved(w.context, { [vegaLite]: many }, { 'text/html': html });
  await expect.poll(() => frame(tab.nth(1)).locator('.mark-symbol path').count(), { timeout: 45_000 }).toBe(9_000);
  expect(await frame(tab.nth(1)).locator('.mark-rect path').count()).toBe(2);
  expect(asked).toEqual([]);
});

it('says in a line why a chart is not drawn, with its text below, and what of it would come from elsewhere', { timeout: 120_000 }, async () => {
  const asked = await askedBy(w.context);
  const tab = await saved(
    w.context,
    { [vegaLite]: { data: { values } }, 'text/plain': 'the bars as text' },
    { 'application/vnd.plotly.v1+json': { data: 7 }, 'text/plain': 'the line as text', 'text/html': '<b>HTML</b>' },
    { [vegaLite]: { ...bars, data: { url: 'https://data.test/cars.json' } } },
  );
  const all = frame(tab.nth(1)).locator('#all');
  await all.getByText('This chart cannot be drawn: Invalid specification').waitFor();
  await all.getByText('the bars as text').waitFor();
  await all.getByText('This chart cannot be drawn: the figure’s data is not a list of traces').waitFor();
  await all.getByText('the line as text').waitFor();
  await all.getByText('Not loaded: https://data.test/cars.json. Output frames reach no network.').waitFor();
  expect(asked).toEqual([]);
});

it('says that what draws a chart could not be fetched, and shows the HTML beside it', async () => {
  await w.context.route('**/assets/vega-*', (route) => route.abort());
  const tab = await saved(w.context, { [vegaLite]: bars, 'text/plain': 'the bars as text' }, { 'text/html': '<b>HTML</b>' });
  const all = frame(tab.nth(1)).locator('#all');
  await all.getByText('This chart cannot be drawn: what draws it could not be fetched').waitFor();
  await all.getByText('the bars as text').waitFor();
  await all.getByText('HTML', { exact: true }).waitFor();
});

it('says which hosts HTML wanted something of', { timeout: 120_000 }, async () => {
  // A person of its own: here the policy of the frame has something to forbid.
  const context = await person(w.browser, w.server);
  const asked = await askedBy(context);
  const tab = await saved(context, { 'text/html': '<script src="https://cdn.test/a.js"></script><img src="https://pictures.test/a.png"><img src="https://pictures.test/b.png"><img src="near.png"><p>text</p>' });
  const said = frame(tab.nth(1)).locator('.missed');
  await expect.poll(async () => (await said.innerText()).split(/: |, |\. /).toSorted()).toEqual(['/near.png', 'Not loaded', 'Output frames reach no network.', 'cdn.test', 'pictures.test']);
  await expect.poll(async () => (await size(tab.nth(1).locator('iframe'))).height).toBeGreaterThan(60);
  expect(asked).toEqual([]);
  await context.close();
});

it('hands scripts their element, as JupyterLab and as the notebook before it do, and keeps what they write beside what else is shown', async () => {
  const script = (code: string) => ({ 'application/javascript': code });
  const tab = await saved(w.context, { 'text/html': '<b>before</b>' }, script("element.textContent = 'by JupyterLab’s'"), script("element.append('appended')"),
    script("element.html('<i>of old</i>'); element.get(0).append(' ', String(element[0].childElementCount))"),
    { 'text/html': "<p>[<script>document.write('<u>writ', 'ten</u>')</script>]</p>" });
  await expect.poll(() => frame(tab.nth(1)).locator('.item').allInnerTexts()).toEqual(['before', 'by JupyterLab’s', 'appended', 'of old 1', '[written]']);
});

it('gives tables room, and leaves what they bring themselves', async () => {
  const tab = await saved(w.context, { 'text/html': '<style>#own td { padding: 1px; text-align: center }</style><table id="plain"><tr><td>1</td><td align="left">a</td></tr></table><table id="own"><tr><td>2</td></tr></table>' });
  const look = (selector: string) => frame(tab.nth(1)).locator(selector).first().evaluate((el) => [getComputedStyle(el).paddingLeft, getComputedStyle(el).textAlign]);
  await expect.poll(() => look('#plain td')).toEqual(['6.25px', 'right']);
  expect((await look('#plain td[align]'))[1]).toBe('-webkit-left');
  expect(await look('#own td')).toEqual(['1px', 'center']);
});
