// Measures what a person sees, in Chromium on the built binary: print to pixel,
// key press to frame, a notebook of 1,000 cells, a prompt that waits, a flood, a fast bar, and how much JavaScript comes.
// Usage: CHROMIUM=/path node bench/page.mjs ../bin/runnel [--json] [--quick]
import { gzipSync } from 'node:zlib';
import { chromium } from 'playwright-core';
import { instruments, watchBar, watchInterrupt, watchKeys, watchPrints, whenAsked } from './inside.mjs';
import { start } from './server.mjs';

const args = process.argv.slice(2);
const binary = args.find((a) => !a.startsWith('--')) ?? '../bin/runnel';
const quick = args.includes('--quick');

const sorted = (values) => [...values].sort((a, b) => a - b);
const quantile = (values, q) => sorted(values)[Math.min(Math.floor(q * values.length), values.length - 1)];

const late = (what) => new Promise((_, reject) => {
  setTimeout(() => reject(new Error(`the page does not tell: ${what}`)), 60_000).unref();
});

async function open(browser, server, notebook) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
  const page = await context.newPage();
  const scripts = new Map();
  page.on('response', async (response) => {
    if (!/\.js(\?|$)/.test(response.url())) return;
    scripts.set(response.url(), response.body().then((body) => gzipSync(body, { level: 9 }).length, () => 0));
  });
  await page.goto(`${server.origin}/?token=${server.token}`); // the cookie, and a warm disk
  await page.waitForTimeout(500); // this page's own drawing is not the next one's
  await page.addInitScript(instruments);
  scripts.clear();
  const cold = await context.newCDPSession(page);
  await cold.send('Network.clearBrowserCache');
  const heard = new Map();
  page.on('console', (message) => {
    const [, what, value] = /^bench ([a-z ]+) (\{.*)$/.exec(message.text()) ?? [];
    if (!what) return;
    listen(what).tell(JSON.parse(value));
  });
  const listen = (what) => {
    if (!heard.has(what)) {
      let tell;
      const told = new Promise((resolve) => { tell = resolve; });
      heard.set(what, { told, tell });
    }
    return heard.get(what);
  };
  /** What the page tells under this name, before or after this. */
  const hear = (what) => Promise.race([listen(what).told, late(what)]);
  await page.goto(`${server.origin}/?notebook=${notebook}`, { waitUntil: 'commit' });
  const first = await hear('cell');
  /** Of the scripts that were asked for by then. */
  const size = async (by = Infinity) => {
    const asked = new Map(await page.evaluate(whenAsked, [...scripts.keys()]));
    const sizes = await Promise.all([...scripts].map(([url, bytes]) => (asked.get(url) > by ? 0 : bytes)));
    return sizes.reduce((a, b) => a + b, 0) / 1000;
  };
  return { page, size, hear, first: first.at, close: () => context.close() };
}

async function printToPixel(browser, server, figures) {
  const { page, close } = await open(browser, server, 'prints.ipynb');
  await page.evaluate(watchPrints);
  await run(page, 'prints');
  await page.evaluate(() => window.bench.first('end', () => /\nend/.test(document.querySelector('[data-cell="prints"] .out-text')?.textContent)));
  await page.waitForEvent('console', { predicate: (message) => message.text().startsWith('bench end'), timeout: 120_000 });
  const values = await page.evaluate(() => window.late);
  if (values.length === 0) throw new Error('no stamped line was seen');
  figures.push({ name: 'print to pixel, p50 / p99', unit: 'ms', values: [0.5, 0.99].map((q) => quantile(values, q)), must: [25, 60] });
  await close();
}

async function keyToFrame(browser, server, figures) {
  const { page, size, first, close } = await open(browser, server, 'keys.ipynb');
  figures.push({ name: 'JavaScript until a notebook is readable, gzip', unit: 'KB', values: [await size(first)], must: [200] });
  await goInto(page, 'keys');
  await page.keyboard.type('x');
  await page.waitForTimeout(500);
  figures.push({ name: 'JavaScript until it can be typed in, gzip', unit: 'KB', values: [await size()], must: [320] });
  const values = await typeKeys(page, 'keys', quick ? 20 : 150);
  figures.push({ name: 'key press to the frame in it, p50 / p95', unit: 'ms', values: [quantile(values, 0.5), quantile(values, 0.95)], must: [16, 33] });
  await close();
}

async function goInto(page, cell) {
  await page.locator(`[data-cell="${cell}"] .cm-content, [data-cell="${cell}"] .code-static`).first().click();
  await page.locator(`[data-cell="${cell}"] .cm-content`).waitFor();
}

async function run(page, cell) {
  await page.locator(`[data-cell="${cell}"]`).click();
  await page.keyboard.press('Escape');
  await page.keyboard.press('Control+Enter');
}

/** Types into the cell that has the focus; gives the ms from each key press to the frame that shows it. */
async function typeKeys(page, cell, n) {
  await page.evaluate(watchKeys, cell);
  for (let i = 0; i < n; i++) {
    await page.keyboard.press('abcdefgh '[i % 9] === ' ' ? 'Space' : 'abcdefgh '[i % 9]);
    await page.waitForTimeout(40 + (i % 7)); // not in step with the frames
  }
  return page.evaluate(() => window.frames_);
}

/** A person who writes on in one cell while another prints without end. */
async function flood(browser, server, figures) {
  const { page, hear, close } = await open(browser, server, 'flood.ipynb');
  await run(page, 'flood');
  await page.locator('[data-cell="flood"] .cut-mark').waitFor({ timeout: 60_000 });
  await goInto(page, 'keys');
  const values = await typeKeys(page, 'keys', quick ? 20 : 300);
  figures.push({ name: 'under a flood: key press to frame, p50 / p95', unit: 'ms', values: [0.5, 0.95].map((q) => quantile(values, q)), must: [50, 100] });
  await page.evaluate(watchInterrupt, 'flood');
  await page.getByRole('button', { name: 'Interrupt', exact: true }).click();
  const { took } = await hear('interrupted');
  figures.push({ name: 'under a flood: interrupt to the end of the run', unit: 's', values: [took / 1000], must: [1] });
  const devtools = await page.context().newCDPSession(page);
  await devtools.send('HeapProfiler.collectGarbage');
  await devtools.send('Performance.enable');
  const { metrics } = await devtools.send('Performance.getMetrics');
  const used = metrics.find((m) => m.name === 'JSHeapUsedSize').value;
  figures.push({ name: 'after a flood: JavaScript heap of the page', unit: 'MiB', values: [used / 2 ** 20], must: [32] });
  await close();
}

/** A progress bar that is printed anew 1,000 times a second. */
async function bar(browser, server, figures) {
  const { page, close } = await open(browser, server, 'bar.ipynb');
  await page.evaluate(watchBar);
  await run(page, 'bar');
  await page.locator('[data-cell="bar"].ended-ok').waitFor({ timeout: 120_000 });
  const [values, text] = await page.evaluate(() => [window.ages, document.querySelector('[data-cell="bar"] .out-text').textContent]);
  if (values.length === 0 || text.includes('\n')) throw new Error(`the bar is not one line that moves: ${JSON.stringify(text)}`);
  figures.push({ name: 'bar of 1,000 updates a second: its age, p50 / p95', unit: 'ms', values: [0.5, 0.95].map((q) => quantile(values, q)), must: [50, 100] });
  await close();
}

/** A person who clicks into the second cell as soon as it is there, and types. */
async function thousandCells(browser, server, figures) {
  const first = [];
  const typed = [];
  for (let i = 0; i < (quick ? 1 : 5); i++) {
    const { page, hear, first: at, close } = await open(browser, server, 'large.ipynb');
    first.push(at);
    const { x, y } = await hear('second cell');
    await page.mouse.click(x, y);
    await hear('editor');
    await page.keyboard.press('Q');
    typed.push((await hear('typed')).at);
    await close();
  }
  figures.push({ name: '1,000 cells: first cells on screen', unit: 's', values: [quantile(first, 0.5) / 1000], must: [0.4] });
  figures.push({ name: '1,000 cells: a typed character on screen', unit: 's', values: [quantile(typed, 0.5) / 1000], must: [1] });
}

/** A cell below much output waits for an answer, and the page is loaded again and again: until the box is on the screen. */
async function promptOnLoad(browser, server, figures) {
  const asking = await open(browser, server, 'ask.ipynb');
  await run(asking.page, 'long');
  await run(asking.page, 'ask');
  await asking.page.locator('[data-cell="ask"] .ask input').waitFor({ timeout: 60_000 });
  const values = [];
  for (let i = 0; i < (quick ? 2 : 10); i++) {
    const { hear, close } = await open(browser, server, 'ask.ipynb');
    values.push((await hear('prompt')).at);
    await close();
  }
  figures.push({ name: 'a prompt that waits: on the screen of a page that loads, worst', unit: 's', values: [Math.max(...values) / 1000], must: [1] });
  await asking.close();
}

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ['--no-sandbox'] });
const server = await start(binary, { printed: quick ? 30 : 300, updates: quick ? 1000 : 10_000 });
const figures = [];
try {
  for (const measure of [keyToFrame, thousandCells, promptOnLoad, printToPixel, bar, flood]) await measure(browser, server, figures);
} finally {
  await browser.close();
  await server.stop();
}
for (const f of figures) f.met = f.values.every((v, i) => v <= f.must[i]);
if (args.includes('--json')) {
  console.log(JSON.stringify(figures, null, 2));
} else {
  const number = (v) => (v < 10 ? v.toFixed(2) : v.toFixed(1));
  for (const f of figures) {
    const must = f.must.map((m) => `≤ ${m}`).join(' / ');
    console.log(`${f.met ? '✓' : '✗'} ${f.name.padEnd(64)} ${f.values.map(number).join(' / ').padStart(14)} ${f.unit.padEnd(3)} (${must})`);
  }
}
process.exitCode = figures.every((f) => f.met) ? 0 : 1;
