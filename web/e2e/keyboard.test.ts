/** Writing and arranging by keys and pointer: finding over all cells, the kernel's history, sections, dragging. */
import type { Locator } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import type { Tab } from './browser';
import { seriousFor, World } from './world';

const w = new World('keys');
const order = (tab: Tab) => tab.page.evaluate(() => [...document.querySelectorAll('[data-cell]')].map((e) => e.getAttribute('data-cell')));
const active = (tab: Tab) => tab.page.locator('[data-cell].active').getAttribute('data-cell');

describe('find', () => {
  it('goes over all cells, and replaces in them so that each can be undone', async () => {
    const tab = await w.open('alpha = 1', { source: 'about Alpha', type: 'markdown' }, 'print(alpha, alpha)');
    const { page } = tab;
    await tab.select(tab.nth(1));
    await page.keyboard.press('ControlOrMeta+f');
    const find = page.getByRole('search', { name: 'Find in the notebook' });
    await find.getByLabel('Find', { exact: true }).fill('alpha');
    await find.getByRole('status').filter({ hasText: '1 of 4' }).waitFor();
    expect(await page.evaluate(() => ['find', 'find-current'].map((name) => CSS.highlights.get(name)?.size ?? 0).reduce((a, b) => a + b))).toBeGreaterThan(0);
    await page.keyboard.press('Enter');
    await find.getByRole('status').filter({ hasText: '2 of 4' }).waitFor();
    // The match in a text cell is seen in its source.
    await tab.nth(2).locator('.cm-content').waitFor();
    await find.getByLabel('Match case').click();
    await find.getByRole('status').filter({ hasText: 'of 3' }).waitFor();
    expect(await seriousFor(tab.page)).toEqual([]);
    await page.keyboard.press('ControlOrMeta+h');
    await find.getByLabel('Regular expression').click();
    await find.getByLabel('Find', { exact: true }).fill('\\b(al)pha\\b');
    await find.getByLabel('Replace with').fill('$1pine');
    await find.getByRole('button', { name: 'Replace all' }).click();
    await expect.poll(async () => Promise.all([1, 3].map((n) => tab.source(tab.nth(n))))).toEqual(['alpine = 1', 'print(alpine, alpine)']);
    // Rendered again, since no match is in it any more.
    await tab.nth(2).locator('.rendered', { hasText: 'about Alpha' }).waitFor();
    await find.getByRole('status').filter({ hasText: 'none' }).waitFor();
    await page.keyboard.press('Escape');
    await find.waitFor({ state: 'detached' });
    await page.locator('.toast', { hasText: '3 replaced in 2 cells' }).getByRole('button', { name: 'Undo' }).click();
    await expect.poll(async () => Promise.all([1, 3].map((n) => tab.source(tab.nth(n))))).toEqual(['alpha = 1', 'print(alpha, alpha)']);
  });

  it('begins with what is selected, and leaves the caret on the match', async () => {
    const tab = await w.open('one', 'two one');
    await tab.write(tab.nth(1), 'one');
    await tab.page.keyboard.press('ControlOrMeta+a');
    await tab.page.keyboard.press('ControlOrMeta+f');
    const find = tab.page.getByRole('search', { name: 'Find in the notebook' });
    await find.getByRole('status').filter({ hasText: '1 of 2' }).waitFor();
    await tab.page.keyboard.press('Enter');
    await tab.page.keyboard.press('Escape');
    await tab.page.locator('[data-cell="c2"].editing').waitFor();
  });

  it('undoes a replacement in the editor, by its own key', async () => {
    const tab = await w.open('one one');
    await tab.write(tab.nth(1), 'one one');
    await tab.page.keyboard.press('ControlOrMeta+h');
    const find = tab.page.getByRole('search', { name: 'Find in the notebook' });
    await find.getByLabel('Find', { exact: true }).fill('one');
    await find.getByLabel('Replace with').fill('two');
    await find.getByRole('button', { name: 'Replace all' }).click();
    await expect.poll(() => tab.source(tab.nth(1))).toBe('two two');
    await find.getByLabel('Close find').click();
    await tab.page.locator('[data-cell="c1"].editing').waitFor();
    await tab.page.keyboard.press('ControlOrMeta+z');
    await expect.poll(() => tab.source(tab.nth(1))).toBe('one one');
  });
});

it('what was run before comes into the cell, and what was typed comes back', async () => {
  const tab = await w.python('"the older"', '"the newer"', '');
  for (const n of [1, 2]) {
    await tab.run(tab.nth(n));
    await tab.ended(tab.nth(n));
  }
  await tab.write(tab.nth(3), 'typed');
  for (const [key, want] of [['Alt+ArrowUp', '"the newer"'], ['Alt+ArrowUp', '"the older"'], ['Alt+ArrowDown', '"the newer"'], ['Alt+ArrowDown', 'typed']] as const) {
    await tab.page.keyboard.press(key);
    await expect.poll(() => tab.source(tab.nth(3)), { timeout: 15_000 }).toBe(want);
  }
});

it('left and right go from heading to heading, and fold them', async () => {
  const text = (source: string) => ({ source, type: 'markdown' as const });
  const tab = await w.open(text('# One'), 'a', text('## Part'), 'b', text('# Two'));
  const { keyboard } = tab.page;
  await tab.select(tab.nth(4));
  await keyboard.press('ArrowLeft');
  await expect.poll(() => active(tab)).toBe('c3');
  await keyboard.press('ArrowLeft');
  await tab.cell('c4').waitFor({ state: 'hidden' });
  await keyboard.press('ArrowLeft');
  await expect.poll(() => active(tab)).toBe('c1');
  await keyboard.press('ArrowRight');
  await expect.poll(() => active(tab)).toBe('c3');
  await keyboard.press('ArrowRight');
  await tab.cell('c4').waitFor({ state: 'visible' });
  await keyboard.press('Control+Shift+ArrowLeft');
  await tab.cell('c2').waitFor({ state: 'hidden' });
  await expect.poll(() => active(tab)).toBe('c1');
  await keyboard.press('Control+Shift+ArrowRight');
  await tab.cell('c4').waitFor({ state: 'visible' });
});

it('outputs go beside the code, and back', async () => {
  const tab = await w.open('print text');
  const cell = tab.nth(1);
  await tab.run(cell);
  await tab.ended(cell);
  const beside = () => cell.evaluate((el) => (el.querySelector('.outputs')?.getBoundingClientRect().left ?? 0) > (el.querySelector('.code')?.getBoundingClientRect().right ?? 0) - 1);
  expect(await beside()).toBe(false);
  await tab.page.keyboard.press('Shift+r');
  await expect.poll(beside).toBe(true);
  await tab.page.keyboard.press('Shift+r');
  await expect.poll(beside).toBe(false);
});

describe('dragging', () => {
  /** Presses the cell's handle and moves to a place in another cell; the button stays down. */
  async function drag(tab: Tab, cell: Locator, to: Locator, part: number): Promise<void> {
    await cell.hover({ position: { x: 4, y: 4 } });
    await cell.locator('.grip').hover();
    await tab.page.mouse.down();
    const box = await to.boundingBox();
    if (!box) throw new Error('no place to drag to');
    await tab.page.mouse.move(box.x + 60, box.y + box.height * part, { steps: 8 });
    await tab.page.locator('.drop-line').waitFor();
  }

  it('moves a cell, and Z brings it back', async () => {
    const tab = await w.open('a', 'b', 'c', 'd');
    await drag(tab, tab.nth(1), tab.nth(3), 0.9);
    await tab.page.mouse.up();
    await expect.poll(() => order(tab)).toEqual(['c2', 'c3', 'c1', 'c4']);
    await tab.page.keyboard.press('z');
    await expect.poll(() => order(tab)).toEqual(['c1', 'c2', 'c3', 'c4']);
  });

  it('moves all that are selected, and Escape leaves them', async () => {
    const tab = await w.open('a', 'b', 'c', 'd', 'e');
    await tab.select(tab.nth(2));
    await tab.page.keyboard.press('Shift+ArrowDown');
    await drag(tab, tab.nth(3), tab.nth(5), 0.9);
    await tab.page.keyboard.press('Escape');
    await tab.page.locator('.drop-line').waitFor({ state: 'detached' });
    await tab.page.mouse.up();
    expect(await order(tab)).toEqual(['c1', 'c2', 'c3', 'c4', 'c5']);
    await drag(tab, tab.nth(3), tab.nth(1), 0.1);
    await tab.page.mouse.up();
    await expect.poll(() => order(tab)).toEqual(['c2', 'c3', 'c1', 'c4', 'c5']);
    await expect.poll(() => w.server.read(w.name).then((text) => [...text.matchAll(/"id": ?"(c\d)"/g)].map((m) => m[1])), { timeout: 20_000 }).toEqual(['c2', 'c3', 'c1', 'c4', 'c5']);
  });
});

describe('in the editor', () => {
  it('marks what is selected elsewhere in the cell too, and selects it with Ctrl D', async () => {
    const tab = await w.open('one two one');
    await tab.enter(tab.nth(1));
    const { page } = tab;
    await page.keyboard.press('Control+Home');
    await page.keyboard.press('ControlOrMeta+d');
    await tab.nth(1).locator('.cm-selectionMatch').filter({ hasText: 'one' }).waitFor();
    await page.keyboard.press('ControlOrMeta+d');
    await page.keyboard.type('six');
    await expect.poll(() => tab.source(tab.nth(1))).toBe('six two six');
    await page.keyboard.press('Control+Home');
    await page.keyboard.press('ControlOrMeta+d');
    await page.keyboard.press('ControlOrMeta+Shift+l');
    await page.keyboard.type('ten');
    await expect.poll(() => tab.source(tab.nth(1))).toBe('ten two ten');
  });
});
