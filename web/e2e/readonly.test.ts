/** Files that may not be written: a person sees it before typing, not when the first save fails. */
import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { Tab } from './browser';
import { seriousFor, World } from './world';

const w = new World('readonly');

/** A notebook that nobody may write. */
async function shut(): Promise<string> {
  const name = await w.notebook(['print one']);
  await chmod(join(w.server.folder, name), 0o444);
  return name;
}

it('a notebook says that it is read-only in the list and when it is opened, keeps what is changed, and saves it when it may', async () => {
  const name = await shut();
  const before = await w.server.read(name);
  const home = await w.context.newPage();
  await home.goto(w.server.origin);
  await home.locator('.home-row', { hasText: name }).getByRole('img', { name: 'Read-only' }).waitFor();
  await home.locator('.row-line', { hasText: name }).getByRole('img', { name: 'Read-only' }).waitFor();
  expect(await seriousFor(home)).toEqual([]);
  const tab = await Tab.open(w.context, w.server.url(name));
  const words = tab.page.locator('.save').getByRole('button', { name: 'Read-only: changes cannot be saved' });
  await words.click();
  await tab.page.locator('.toast', { hasText: 'Change its permissions' }).waitFor();
  expect(await seriousFor(tab.page)).toEqual([]);
  await tab.write(tab.nth(1), 'print two');
  await tab.page.locator('.save', { hasText: `Not saved: ${name} cannot be written: you may not write there.` }).waitFor();
  expect(await w.server.read(name)).toBe(before);
  await chmod(join(w.server.folder, name), 0o644);
  await tab.page.locator('.save', { hasText: /^Saved/ }).waitFor();
  expect(await w.server.read(name)).toContain('print two');
  await home.locator('.home-row', { hasText: name }).getByRole('img', { name: 'Read-only' }).waitFor({ state: 'detached' });
});

it('it is seen on a phone too', async () => {
  await w.as({ viewport: { width: 360, height: 640 } });
  const tab = await Tab.open(w.context, w.server.url(await shut()));
  const words = tab.page.locator('.save');
  expect(await words.innerText()).toContain('Read-only');
  const box = await words.boundingBox();
  expect(box?.width).toBeGreaterThan(50);
  expect(await tab.page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
});
