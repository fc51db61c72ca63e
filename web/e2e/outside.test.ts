/** Another program changes the file while a person types in the same cell: both versions are shown, and the person chooses. */
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Tab } from './browser';
import { seriousFor, World } from './world';

const w = new World('outside');
const versions = (tab: Tab) => tab.page.getByRole('region', { name: /Two versions|Your text/ });

/** As another program writes: a whole new file, put in place of the old one. */
async function change(from: string, to: string): Promise<void> {
  await put((await w.server.read(w.name)).replace(from, to));
}

async function put(text: string): Promise<void> {
  const other = join(w.server.folder, `.${w.name}.new`);
  await writeFile(other, text);
  await rename(other, join(w.server.folder, w.name));
}

/** The file without its first cell. */
async function withoutFirst(): Promise<string> {
  const file: { cells: unknown[] } = JSON.parse(await w.server.read(w.name));
  return JSON.stringify({ ...file, cells: file.cells.slice(1) });
}

it('shows both versions of the cell, and takes the one that is chosen', async () => {
  const tab = await w.open('rate = 1\nsame = True', 'other = 1');
  await tab.page.locator('.save', { hasText: /^Saved/ }).waitFor();
  await tab.enter(tab.nth(1));
  await tab.page.keyboard.press('Control+Home');
  await tab.page.keyboard.press('End');
  const typing = tab.page.keyboard.type(' + 2 + 3 + 4 + 5 + 6 + 7 + 8', { delay: 100 });
  await tab.page.locator('.save', { hasText: 'Saving' }).waitFor();
  await change('rate = 1', 'rate = 0.5');
  await typing;
  await versions(tab).waitFor();
  expect(await versions(tab).locator('.versions-row.differs').allInnerTexts()).toEqual([expect.stringMatching(/^rate = 1 \+ 2.*8\n+rate = 0.5$/)]);
  expect(await tab.page.locator('dialog[open]').count()).toBe(0);
  expect(await seriousFor(tab.page)).toEqual([]);
  await tab.page.locator('.save').getByRole('button', { name: 'One cell was changed on disk too' }).click();
  await versions(tab).getByRole('button', { name: 'Take the one on disk' }).click();
  await expect.poll(() => tab.page.locator('[data-cell]').count()).toBe(2);
  await expect.poll(() => tab.source(tab.nth(1))).toBe('rate = 0.5\nsame = True');
  await tab.page.locator('.save', { hasText: /^Saved/ }).waitFor();
  const saved = await w.server.read(w.name);
  expect(saved).toContain('rate = 0.5');
  expect(saved).not.toContain('clash');
  // Undone, there is the choice again.
  await tab.page.keyboard.press('z');
  await versions(tab).getByRole('button', { name: 'Keep mine' }).click();
  await expect.poll(() => tab.source(tab.nth(1))).toMatch(/^rate = 1 \+ 2/);
}, 120_000);

it('keeps what was typed while the server was away and the file changed', async () => {
  const tab = await w.open('word = "old"');
  await tab.page.locator('.save', { hasText: /^Saved/ }).waitFor();
  await tab.enter(tab.nth(1));
  await w.server.kill();
  await tab.page.locator('.line-chip', { hasText: 'Reconnecting' }).waitFor();
  await tab.write(tab.nth(1), 'word = "mine"');
  await change('old', 'theirs');
  await w.server.up();
  await tab.page.locator('.line-chip', { hasText: 'Live' }).waitFor();
  await versions(tab).waitFor();
  expect(await tab.source(tab.nth(1))).toBe('word = "theirs"');
  await versions(tab).getByRole('button', { name: 'Use mine' }).click();
  await expect.poll(() => tab.source(tab.nth(1))).toBe('word = "mine"');
  await versions(tab).waitFor({ state: 'detached' });
  await expect.poll(() => w.server.read(w.name), { timeout: 20_000 }).toContain('mine');
}, 120_000);

describe('a cell that was deleted on disk while it was changed here', () => {
  const choice = (tab: Tab) => tab.page.getByRole('region', { name: 'A cell that one side deleted' });

  it('is kept, and the person chooses', async () => {
    for (const [button, cells] of [['Keep it', 2], ['Delete it', 1]] as const) {
      const tab = await w.open('rate = 1', 'other = 1');
      await tab.page.locator('.save', { hasText: /^Saved/ }).waitFor();
      await tab.enter(tab.nth(1));
      await tab.page.keyboard.press('End');
      const typing = tab.page.keyboard.type(' + 2 + 3 + 4 + 5 + 6 + 7 + 8', { delay: 100 });
      await tab.page.locator('.save', { hasText: 'Saving' }).waitFor();
      await put(await withoutFirst());
      await typing;
      await choice(tab).waitFor();
      await tab.page.locator('.save').getByRole('button', { name: 'One cell was deleted on one side' }).waitFor();
      expect(await tab.source(tab.nth(1))).toBe('rate = 1 + 2 + 3 + 4 + 5 + 6 + 7 + 8');
      expect(await seriousFor(tab.page)).toEqual([]);
      await choice(tab).getByRole('button', { name: button }).click();
      await choice(tab).waitFor({ state: 'detached' });
      await expect.poll(() => tab.page.locator('[data-cell]').count()).toBe(cells);
      await expect.poll(async () => (await w.server.read(w.name)).includes('rate'), { timeout: 20_000 }).toBe(button === 'Keep it');
      await expect.poll(() => w.server.read(w.name), { timeout: 20_000 }).not.toContain('clash');
    }
  }, 120_000);

  it('can be put back when it went while the server was away', async () => {
    const tab = await w.open('word = "old"', 'other = 1');
    await tab.page.locator('.save', { hasText: /^Saved/ }).waitFor();
    await tab.enter(tab.nth(1));
    await w.server.kill();
    await tab.page.locator('.line-chip', { hasText: 'Reconnecting' }).waitFor();
    await tab.write(tab.nth(1), 'word = "mine"');
    await put(await withoutFirst());
    await w.server.up();
    await tab.page.locator('.line-chip', { hasText: 'Live' }).waitFor();
    await tab.page.locator('.rejected').getByRole('button', { name: 'Put it back as a cell' }).click();
    await tab.page.locator('.rejected').waitFor({ state: 'detached' });
    await expect.poll(() => tab.source(tab.nth(2))).toBe('word = "mine"');
    await expect.poll(() => w.server.read(w.name), { timeout: 20_000 }).toContain('mine');
  }, 120_000);
});
