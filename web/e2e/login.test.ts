/** The login ends while a cell runs and a person types: one prompt in the page, and nothing is lost. */
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { launch, troublesOf } from './browser';
import { Proxy } from './proxy';
import { Server } from './server';
import { append, every, line, loop, printed, run, says } from './steps';
import { seriousFor } from './world';

let server: Server;
let browser: Browser;
let context: BrowserContext;
let proxy: Proxy;
let made = 0;
let troubles: readonly string[] = [];

beforeAll(async () => {
  [server, browser] = await Promise.all([Server.start(), launch()]);
}, 60_000);
afterAll(async () => {
  await browser?.close();
  await server?.stop();
}, 60_000);
beforeEach(async () => {
  proxy = await Proxy.before(server.origin);
  context = await browser.newContext();
  context.setDefaultTimeout(45_000);
  troubles = troublesOf(context);
});
afterEach(async () => {
  await context.close();
  proxy.close();
  expect(troubles).toEqual([]);
});

async function begin(): Promise<{ page: Page; name: string }> {
  const name = await server.notebook(`login-${++made}.ipynb`, [{ id: 'loop', source: loop }, { id: 'text', source: '# begin' }]);
  const page = await context.newPage();
  await page.goto(`${proxy.origin}/?token=${server.token}&notebook=${encodeURIComponent(name)}`);
  await page.locator('[data-cell]').first().waitFor();
  await run(page, 'loop');
  await says(page, 'loop', 'line 3');
  return { page, name };
}
const asking = (page: Page) => page.getByRole('region', { name: 'Your login has ended' });

async function logIn(page: Page): Promise<void> {
  await asking(page).getByLabel('Token').fill(server.token);
  await asking(page).getByRole('button', { name: 'Log in' }).click();
  await line(page, 'Live');
  await asking(page).waitFor({ state: 'detached' });
}

/** The loop's output is whole, and what was typed is in the page and in the file. */
async function nothingLost(page: Page, name: string, typed: string): Promise<void> {
  await says(page, 'loop', 'the end');
  expect(await printed(page)).toEqual(every);
  await expect.poll(async () => (await page.locator('[data-cell="text"]').innerText()).replaceAll('\u00a0', ' ')).toContain(typed);
  await expect.poll(async () => (await server.read(name)).split(typed).length, { timeout: 20_000 }).toBe(2);
}

describe('a login that ends under a running cell', () => {
  it('by a logout in another tab: the page asks once, and goes on', async () => {
    const { page, name } = await begin();
    const sockets = proxy.opened;
    const logout = await context.request.post(`${proxy.origin}/logout`, { headers: { Origin: proxy.origin }, maxRedirects: 0 });
    expect(logout.status()).toBe(303);
    await asking(page).waitFor();
    await append(page, 'text', ' typed without a login');
    await page.keyboard.press('Shift+Enter');
    expect(await asking(page).count()).toBe(1);
    expect(await seriousFor(page)).toEqual([]);
    await asking(page).getByLabel('Token').fill('not the token');
    await asking(page).getByRole('button', { name: 'Log in' }).click();
    await asking(page).getByRole('alert').filter({ hasText: 'not the token' }).waitFor();
    // Without a login nothing is tried again and again.
    expect(proxy.opened).toBe(sockets);
    await logIn(page);
    expect(proxy.opened).toBe(sockets + 1);
    await nothingLost(page, name, '# begin typed without a login');
  }, 150_000);

  it('because the server came back with another token', async () => {
    const { page, name } = await begin();
    await server.kill();
    server.token = `another-${server.token}`;
    await server.up();
    await asking(page).waitFor();
    await append(page, 'text', ' typed for another token');
    const sockets = proxy.opened;
    await logIn(page);
    expect(proxy.opened).toBe(sockets + 1);
    await nothingLost(page, name, '# begin typed for another token');
  }, 150_000);
});
