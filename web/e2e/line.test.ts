/** The line between page and server, in Chromium: one socket, cuts, a killed server, a proxy that strips the Upgrade header. */
import { readdirSync, readFileSync } from 'node:fs';
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { append, cell, every, line, loop, printed, run, says } from './steps';
import { ProxiedWorld } from './world';

const w = new ProxiedWorld('line');

const notebook = () => w.notebook([{ id: 'loop', source: loop }, { id: 'plain', source: 'result 42' }, { id: 'text', source: '# begin' }]);
const open = (name: string) => w.visit(name);

/** All processes below one, on Linux. */
function processesBelow(pid: number): number[] {
  const threads = readdirSync(`/proc/${pid}/task`);
  const children = threads.flatMap((thread) => readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').split(' ').filter(Boolean).map(Number));
  return children.flatMap((child) => [child, ...processesBelow(child)]);
}

describe('one WebSocket for all pages of a browser', () => {
  it('with 20 notebooks in 5 tabs, also when the page that came first closes', async () => {
    const pages: Page[] = [];
    for (let i = 0; i < 5; i++) pages.push(await open(await notebook()));
    for (let i = 0; i < 15; i++) {
      const page = pages[i % pages.length];
      await page?.goto(`${w.proxy.origin}/?notebook=${encodeURIComponent(await notebook())}`);
      await page?.locator('[data-cell]').first().waitFor();
    }
    for (const page of pages) await line(page, 'Live');
    expect(w.proxy.open.size).toBe(1);
    const [first, second] = pages;
    if (!first || !second) throw new Error('no pages');
    await first.close();
    await run(second, 'plain');
    await says(second, 'plain', '42');
    expect(w.proxy.open.size).toBe(1);
    expect(w.proxy.opened).toBe(1);
  }, 180_000);

  it('without shared workers: the pages elect one that holds it, and another when that closes', async () => {
    await w.context.addInitScript(() => Reflect.deleteProperty(globalThis, 'SharedWorker'));
    const first = await open(await notebook());
    await line(first, 'Live');
    const second = await open(await notebook());
    await line(second, 'Live');
    expect(w.proxy.open.size).toBe(1);
    await first.close();
    await run(second, 'plain');
    await says(second, 'plain', '42');
    await line(second, 'Live');
    expect(w.proxy.open.size).toBe(1);
  }, 90_000);

  it('or an own one for a page whose shared worker says nothing', async () => {
    await w.context.addInitScript(() => {
      class Mute extends EventTarget {
        readonly port = new MessageChannel().port1;
      }
      Reflect.set(globalThis, 'SharedWorker', Mute);
    });
    const page = await open(await notebook());
    await line(page, 'Live');
  }, 90_000);
});

describe('a page that crashes', () => {
  /** Ends the process that draws the page, as the system does when memory runs out. The others may share it: those are opened anew by the browser's user. */
  async function crash(page: Page): Promise<void> {
    const crashed = new Promise((done) => page.once('crash', done));
    const cdp = await w.context.newCDPSession(page);
    void cdp.send('Page.crash').catch(() => undefined);
    await crashed;
  }

  it.each(['worker', 'leader'] as const)('that held the line: the others have one line again, and so have pages that come later (%s)', async (carrier) => {
    if (carrier === 'leader') await w.context.addInitScript(() => Reflect.deleteProperty(globalThis, 'SharedWorker'));
    const name = await notebook();
    const first = await open(name);
    await line(first, 'Live');
    const second = await open(name);
    await line(second, 'Live');
    expect(w.proxy.open.size).toBe(1);
    const opened = w.proxy.opened;
    await run(second, 'loop');
    await says(second, 'loop', 'line 3');
    await crash(first);
    await expect.poll(() => w.proxy.opened, { timeout: 45_000 }).toBe(opened + 1);
    await says(second, 'loop', 'the end');
    await line(second, 'Live');
    expect(await printed(second)).toEqual(every);
    const third = await open(await notebook());
    await line(third, 'Live');
    await run(third, 'plain');
    await says(third, 'plain', '42');
    await run(second, 'plain');
    await says(second, 'plain', '42');
    expect(w.proxy.open.size).toBe(1);
  }, 180_000);
});

describe('a page that the browser has frozen', () => {
  /** The page runs nothing until thaw(): a debugger holds it, which is as good as the freezing of a tab long in the background. */
  async function freeze(page: Page): Promise<() => Promise<unknown>> {
    const cdp = await w.context.newCDPSession(page);
    await cdp.send('Debugger.enable');
    const held = new Promise((done) => cdp.once('Debugger.paused', done));
    await cdp.send('Debugger.pause');
    await held;
    return () => cdp.send('Debugger.disable');
  }

  it.each(['worker', 'leader'] as const)('holds nobody back, and catches up when it thaws (%s)', async (carrier) => {
    w.context.setDefaultTimeout(60_000);
    if (carrier === 'leader') await w.context.addInitScript(() => Reflect.deleteProperty(globalThis, 'SharedWorker'));
    const name = await notebook();
    const frozen = await open(name);
    await line(frozen, 'Live');
    const others = [await open(name), await open(await notebook())] as const;
    for (const page of others) await line(page, 'Live');
    expect(w.proxy.open.size).toBe(1);
    const thaw = await freeze(frozen);
    await run(others[1], 'plain');
    await says(others[1], 'plain', '42');
    await run(others[0], 'loop');
    await says(others[0], 'loop', 'the end');
    expect(await printed(others[0])).toEqual(every);
    await thaw();
    await says(frozen, 'loop', 'the end');
    expect(await printed(frozen)).toEqual(every);
    await line(frozen, 'Live');
    await expect.poll(() => w.proxy.open.size, { timeout: 45_000 }).toBe(1);
    // It takes part again, over the line of the one that leads now.
    await run(frozen, 'plain');
    await says(others[0], 'plain', '42');
  }, 240_000);
});

describe('sleep', () => {
  it('leaves a half-typed answer where it was, and answers once', async () => {
    const name = await w.notebook([{ id: 'ask', source: 'input Name:\nprint answer 1 $answer\ninput Name:\nprint $answer' }]);
    const page = await open(name);
    await line(page, 'Live');
    await run(page, 'ask');
    const box = cell(page, 'ask').locator('.ask input');
    await box.fill('Ada ');
    w.proxy.down = true;
    w.proxy.cut();
    await line(page, 'Reconnecting');
    expect(await box.inputValue()).toBe('Ada ');
    await box.press('End');
    await page.keyboard.type('Lovelace');
    await page.keyboard.press('Enter');
    await cell(page, 'ask').locator('.ask-note', { hasText: 'sent when the line is back' }).waitFor();
    w.proxy.down = false;
    await says(page, 'ask', 'answer 1 Ada Lovelace');
    await box.fill('stop');
    await box.press('Enter');
    await page.locator('[data-cell="ask"].ended-ok').waitFor();
    expect((await cell(page, 'ask').locator('.outputs').innerText()).match(/answer \d+/g)).toEqual(['answer 1']);
  }, 90_000);
});

describe('the line', () => {
  it('is cut again and again under output: every line once, in order', async () => {
    const page = await open(await notebook());
    await run(page, 'loop');
    await says(page, 'loop', 'line 3');
    for (let i = 0; i < 4; i++) {
      w.proxy.cut();
      await line(page, 'Reconnecting');
      await line(page, 'Live');
    }
    await says(page, 'loop', 'the end');
    expect(await printed(page)).toEqual(every);
  }, 90_000);

  it('is gone while the server is killed in mid-run: what is typed meanwhile arrives, and so does the output', async () => {
    const name = await notebook();
    const page = await open(name);
    await run(page, 'loop');
    await says(page, 'loop', 'line 5');
    await w.server.kill();
    await line(page, 'Reconnecting');
    await append(page, 'text', ' typed while it was away');
    await w.server.up();
    await line(page, 'Live');
    await says(page, 'loop', 'the end');
    expect(await printed(page)).toEqual(every);
    await expect.poll(() => w.server.read(name), { timeout: 20_000 }).toContain('# begin typed while it was away');
  }, 90_000);

  it('comes back by itself when the machine slept, with what was printed meanwhile (F22)', async () => {
    const page = await open(await notebook());
    await run(page, 'loop');
    await says(page, 'loop', 'line 3');
    const opened = w.proxy.opened;
    const sleepers = processesBelow(process.pid).filter((pid) => /chrom/.test(readFileSync(`/proc/${pid}/cmdline`, 'utf8')));
    expect(sleepers.length).toBeGreaterThan(1);
    for (const pid of sleepers) process.kill(pid, 'SIGSTOP');
    try {
      await expect.poll(() => w.proxy.open.size, { timeout: 60_000, interval: 500 }).toBe(0); // the server has given the line up
    } finally {
      for (const pid of sleepers) process.kill(pid, 'SIGCONT');
    }
    await says(page, 'loop', 'the end');
    await line(page, 'Live');
    expect(await printed(page)).toEqual(every);
    expect(w.proxy.opened).toBe(opened + 1);
  }, 120_000);

  it('that carries nothing any more is given up by both sides within 45 s, and the page comes back with what was printed', async () => {
    const page = await open(await notebook());
    await run(page, 'loop');
    await says(page, 'loop', 'line 3');
    const opened = w.proxy.opened;
    const began = Date.now();
    const closed = w.proxy.lose();
    expect(closed).toHaveLength(1);
    await line(page, 'Reconnecting');
    await line(page, 'Live');
    // The page has another line, and Chromium alone keeps the old socket for a while, to say goodbye.
    await expect.poll(() => closed[0]?.server, { timeout: 45_000 }).toBe(true);
    expect(Date.now() - began).toBeLessThan(45_000);
    expect(w.proxy.opened).toBe(opened + 1);
    await says(page, 'loop', 'the end');
    expect(await printed(page)).toEqual(every);
  }, 120_000);

  it('is tried at once when the network is back or the page is looked at again, long before its silence would tell', async () => {
    const page = await open(await notebook());
    await line(page, 'Live');
    for (const [target, event] of [['window', 'online'], ['document', 'visibilitychange'], ['window', 'pageshow']] as const) {
      const opened = w.proxy.opened;
      w.proxy.lose();
      const began = Date.now();
      await page.evaluate(([on, name]) => void (on === 'window' ? window : document).dispatchEvent(name === 'pageshow' ? new PageTransitionEvent(name, { persisted: true }) : new Event(name)), [target, event] as const);
      await expect.poll(() => w.proxy.opened, { timeout: 20_000 }).toBe(opened + 1);
      expect(Date.now() - began).toBeLessThan(20_000);
      await line(page, 'Live');
    }
  }, 120_000);

  it('goes over plain HTTP, and says so, when a proxy strips the Upgrade header', async () => {
    w.proxy.stripUpgrade = true;
    const page = await open(await notebook());
    const began = Date.now();
    await line(page, 'plain HTTP');
    expect(Date.now() - began).toBeLessThan(5_000);
    await line(page, 'something on the way takes the Upgrade header out');
    await run(page, 'loop');
    await says(page, 'loop', 'the end');
    expect(await printed(page)).toEqual(every);
  }, 90_000);
});

it('what was typed and never sent survives a reload while the server is away', async () => {
  const name = await notebook();
  const page = await open(name);
  await line(page, 'Live');
  await page.evaluate(() => document.querySelector('[data-cell]') !== null);
  await append(page, 'text', '');
  await w.server.kill();
  await page.keyboard.type(' kept over a reload');
  await w.server.up();
  await page.reload();
  await line(page, 'Live');
  await expect.poll(async () => (await cell(page, 'text').innerText()).replaceAll('\u00a0', ' ')).toContain('# begin kept over a reload');
  await expect.poll(async () => (await w.server.read(name)).split('kept over a reload').length, { timeout: 20_000 }).toBe(2);
}, 90_000);
