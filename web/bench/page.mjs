// Measures what a person sees, in Chromium on the built binary: print to pixel,
// key press to frame, a notebook of 1,000 cells, and how much JavaScript comes.
// Usage: CHROMIUM=/path node bench/page.mjs ../bin/runnel [--json] [--quick]
import { gzipSync } from 'node:zlib';
import { chromium } from 'playwright-core';
import { start } from './server.mjs';

const args = process.argv.slice(2);
const binary = args.find((a) => !a.startsWith('--')) ?? '../bin/runnel';
const quick = args.includes('--quick');

const sorted = (values) => [...values].sort((a, b) => a - b);
const quantile = (values, q) => sorted(values)[Math.min(Math.floor(q * values.length), values.length - 1)];

/**
 * Runs in the page before anything of it. `bench.shown(fn)` calls fn with the time when the frame that has the present change is
 * drawn: this frame when one is being made, else the next. What is measured is measured here, so that the driver's own work (its
 * script in the page, its ways to and fro) is not in the figures; `bench.tell` is how the driver hears of it.
 */
function instruments() {
  let making = false;
  const raf = window.requestAnimationFrame.bind(window);
  window.requestAnimationFrame = (fn) => raf((time) => {
    making = true;
    // After the observers of what fn changed.
    try { fn(time); } finally { queueMicrotask(() => { making = false; }); }
  });
  const shown = (fn) => {
    const drawn = () => {
      const channel = new MessageChannel();
      channel.port1.onmessage = () => fn(performance.now());
      channel.port2.postMessage(0);
    };
    if (making) drawn();
    else raf(drawn);
  };
  const tell = (what, value) => console.debug(`bench ${what} ${JSON.stringify(value)}`);
  const everything = { childList: true, subtree: true, characterData: true };
  /** Tells when look() gives something for the first time, with the time of its frame. */
  const first = (what, look) => {
    const observer = new MutationObserver(() => {
      const found = look();
      if (!found) return;
      observer.disconnect();
      shown((at) => tell(what, { at, ...found }));
    });
    observer.observe(document, everything);
  };
  window.bench = { shown, tell, first, everything };
  first('cell', () => document.querySelector('[data-cell]') && {});
  first('second cell', () => {
    const box = document.querySelector('[data-cell="cell-1"] .code-static')?.getBoundingClientRect();
    return box && { x: box.x + box.width / 2, y: box.y + 12 };
  });
  first('editor', () => document.querySelector('[data-cell="cell-1"] .cm-focused') && {});
  first('typed', () => document.querySelector('[data-cell="cell-1"] .cm-content')?.textContent.includes('Q') && {});
}

/** Runs in the page: notes how late each stamped line was when its frame was drawn. */
function watchPrints() {
  window.late = [];
  let seen = 0;
  const look = () => {
    const text = document.querySelector('[data-cell="prints"]')?.textContent ?? '';
    const stamps = text.match(/1[0-9]{9}\.[0-9]+(?=\n)/g) ?? [];
    const fresh = stamps.slice(seen);
    seen = stamps.length;
    if (fresh.length === 0) return;
    window.bench.shown((at) => {
      for (const stamp of fresh) window.late.push(performance.timeOrigin + at - Number(stamp) * 1000);
    });
  };
  new MutationObserver(look).observe(document.body, window.bench.everything);
}

/** Runs in the page: notes the time from each key press to the frame that shows it. */
function watchKeys() {
  window.frames_ = [];
  let pressed = 0;
  addEventListener('keydown', (e) => { pressed = e.timeStamp; }, { capture: true });
  new MutationObserver(() => {
    if (!pressed) return;
    const from = pressed;
    pressed = 0;
    window.bench.shown((at) => window.frames_.push(at - from));
  }).observe(document.querySelector('[data-cell="keys"]'), window.bench.everything);
}

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
  /** Of the scripts that were asked for by then; what comes in advance for later does not count before it is needed. */
  const size = async (by = Infinity) => {
    const later = await page.evaluate((at) => performance.getEntriesByType('resource').filter((e) => e.startTime > at).map((e) => e.name), by);
    const sizes = await Promise.all([...scripts].map(([url, bytes]) => (later.includes(url) ? 0 : bytes)));
    return sizes.reduce((a, b) => a + b, 0) / 1000;
  };
  return { page, size, hear, first: first.at, close: () => context.close() };
}

async function printToPixel(browser, server, figures) {
  const { page, close } = await open(browser, server, 'prints.ipynb');
  await page.evaluate(watchPrints);
  await page.locator('[data-cell="prints"]').click();
  await page.keyboard.press('Escape');
  await page.keyboard.press('Control+Enter');
  await page.evaluate(() => window.bench.first('end', () => /\nend/.test(document.querySelector('[data-cell="prints"] .out-text')?.textContent) && {}));
  await page.waitForEvent('console', { predicate: (message) => message.text().startsWith('bench end'), timeout: 120_000 });
  const values = await page.evaluate(() => window.late);
  if (values.length === 0) throw new Error('no stamped line was seen');
  figures.push({ name: 'print to pixel, p50 / p99', unit: 'ms', values: [0.5, 0.99].map((q) => quantile(values, q)), must: [25, 60] });
  await close();
}

async function keyToFrame(browser, server, figures) {
  const { page, size, first, close } = await open(browser, server, 'keys.ipynb');
  figures.push({ name: 'JavaScript until a notebook is readable, gzip', unit: 'KB', values: [await size(first)], must: [200] });
  await page.locator('[data-cell="keys"] .cm-content, [data-cell="keys"] .code-static').first().click();
  await page.locator('[data-cell="keys"] .cm-content').waitFor();
  await page.keyboard.type('x');
  await page.waitForTimeout(500);
  figures.push({ name: 'JavaScript until it can be typed in, gzip', unit: 'KB', values: [await size()], must: [320] });
  await page.evaluate(watchKeys);
  for (let i = 0; i < (quick ? 20 : 150); i++) {
    await page.keyboard.press('abcdefgh '[i % 9] === ' ' ? 'Space' : 'abcdefgh '[i % 9]);
    await page.waitForTimeout(40 + (i % 7)); // not in step with the frames
  }
  const values = await page.evaluate(() => window.frames_);
  figures.push({ name: 'key press to the frame in it, p50 / p95', unit: 'ms', values: [quantile(values, 0.5), quantile(values, 0.95)], must: [16, 33] });
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

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ['--no-sandbox'] });
const server = await start(binary, { printed: quick ? 30 : 300 });
const figures = [];
try {
  for (const measure of [keyToFrame, thousandCells, printToPixel]) await measure(browser, server, figures);
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
    console.log(`${f.met ? '✓' : '✗'} ${f.name.padEnd(48)} ${f.values.map(number).join(' / ').padStart(14)} ${f.unit.padEnd(3)} (${must})`);
  }
}
process.exitCode = figures.every((f) => f.met) ? 0 : 1;
