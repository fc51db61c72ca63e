/** The login ends while a cell runs and a person types: one prompt in the page, and nothing is lost. */
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { append, every, line, loop, printed, run, says } from './steps';
import { ProxiedWorld, seriousFor } from './world';

const w = new ProxiedWorld('login');

/** Comes by the link that the server prints, as somebody who is not known yet. */
async function begin(): Promise<{ page: Page; name: string }> {
  await w.context.clearCookies();
  const name = await w.notebook([{ id: 'loop', source: loop }, { id: 'text', source: '# begin' }]);
  const page = await w.visit(name, `&token=${w.server.token}`);
  await run(page, 'loop');
  await says(page, 'loop', 'line 3');
  return { page, name };
}
const asking = (page: Page) => page.getByRole('region', { name: 'Your login has ended' });

async function logIn(page: Page): Promise<void> {
  await asking(page).getByLabel('Token').fill(w.server.token);
  await asking(page).getByRole('button', { name: 'Log in' }).click();
  await line(page, 'Live');
  await asking(page).waitFor({ state: 'detached' });
}

/** The loop's output is whole, and what was typed is in the page and in the file. */
async function nothingLost(page: Page, name: string, typed: string): Promise<void> {
  await says(page, 'loop', 'the end');
  expect(await printed(page)).toEqual(every);
  await expect.poll(async () => (await page.locator('[data-cell="text"]').innerText()).replaceAll('\u00a0', ' ')).toContain(typed);
  await expect.poll(async () => (await w.server.read(name)).split(typed).length, { timeout: 20_000 }).toBe(2);
}

describe('a login that ends under a running cell', () => {
  it('by a logout in another tab: the page asks once, and goes on', async () => {
    const { page, name } = await begin();
    const other = await w.visit(name);
    await line(other, 'Live');
    await page.bringToFront();
    const sockets = w.proxy.opened;
    const refused: string[] = [];
    w.context.on('response', (r) => [401, 403].includes(r.status()) && refused.push(`${r.status()} ${r.url()}`));
    const logout = await w.context.request.post(`${w.proxy.origin}/logout`, { headers: { Origin: w.proxy.origin }, maxRedirects: 0 });
    expect(logout.status()).toBe(303);
    await asking(page).waitFor();
    await asking(other).waitFor();
    await append(page, 'text', ' typed without a login');
    await page.keyboard.press('Shift+Enter');
    expect(await asking(page).count()).toBe(1);
    expect(await seriousFor(page)).toEqual([]);
    await asking(page).getByLabel('Token').fill('not the token');
    await asking(page).getByRole('button', { name: 'Log in' }).click();
    await asking(page).getByRole('alert').filter({ hasText: 'not the token' }).waitFor();
    // Without a login nothing is tried again and again: two pages ask for nothing but the login that was wrong, or what was on its way.
    await page.waitForTimeout(11_000);
    expect(w.proxy.opened).toBe(sockets);
    expect(refused.length, refused.join(' ')).toBeLessThanOrEqual(3);
    await logIn(page);
    await line(other, 'Live');
    await asking(other).waitFor({ state: 'detached' });
    expect(w.proxy.opened).toBe(sockets + 1);
    await nothingLost(page, name, '# begin typed without a login');
  }, 150_000);

  it('because the server came back with another token', async () => {
    const { page, name } = await begin();
    await w.server.kill();
    w.server.token = `another-${w.server.token}`;
    await w.server.up();
    await asking(page).waitFor();
    await append(page, 'text', ' typed for another token');
    const sockets = w.proxy.opened;
    await logIn(page);
    expect(w.proxy.opened).toBe(sockets + 1);
    await nothingLost(page, name, '# begin typed for another token');
  }, 150_000);
});
