/** Searching a notebook: sources and outputs, also where they are folded, in a frame, far away; replacing; expressions that would take for ever. */
import type { Locator, Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { Tab } from './browser';
import { seriousFor, World } from './world';

const w = new World('search');
const text = (source: string) => ({ source, type: 'markdown' as const });

/** The panel, or the bar. */
const search = (page: Page): Locator => page.getByRole('search', { name: 'Find in the notebook' });
const rows = (page: Page): Locator => page.getByRole('list', { name: 'Matches' }).getByRole('button');
const says = (page: Page, words: string): Promise<void> => search(page).getByRole('status').filter({ hasText: words }).waitFor();

/** Opens the panel by its key and looks for words. */
async function searchFor(tab: Tab, words: string): Promise<void> {
  await tab.page.keyboard.press('f');
  const field = search(tab.page).getByLabel('Find', { exact: true });
  await field.fill(words);
}

async function ran(tab: Tab, ...places: readonly number[]): Promise<void> {
  for (const n of places) {
    await tab.run(tab.nth(n));
    await tab.ended(tab.nth(n));
  }
}

/** What is marked as the current hit on drawn text: its words, its cell, whether it is in an output, whether it can be seen. */
function marked(page: Page): Promise<{ words: string; cell: string | null; output: boolean; seen: boolean } | null> {
  return page.evaluate(() => {
    const [range] = [...(CSS.highlights.get('find-current') ?? [])];
    const el = range?.startContainer.parentElement;
    const main = document.querySelector('.main')?.getBoundingClientRect();
    if (!(range instanceof Range) || !el || !main) return null;
    const box = range.getBoundingClientRect();
    return { words: range.toString(), cell: el.closest('[data-cell]')?.getAttribute('data-cell') ?? null, output: el.closest('.outputs') !== null, seen: box.height > 0 && box.top >= main.top && box.bottom <= main.bottom };
  });
}

describe('the search', () => {
  it('finds sources and outputs, cell by cell, and goes to each', async () => {
    const tab = await w.open('print a needle here', text('# A needle'), ...Array(20).fill('# filler'), 'repeat 80 print line $i\nprint the last needle');
    const { page } = tab;
    await ran(tab, 1, 23);
    await tab.select(tab.nth(1));
    await searchFor(tab, 'Needle');
    await says(page, '1 of 5');
    expect(await rows(page).allInnerTexts()).toEqual(['1\nprint a needle here', 'out\na needle here', '1\n# A needle', '2\nprint the last needle', 'out\nthe last needle']);
    expect(await page.locator('.hits-cell').allInnerTexts()).toEqual(['Cell 1\n2', 'Cell 2\n1', 'Cell 23\n2']);
    await page.keyboard.press('Enter');
    await expect.poll(() => marked(page)).toEqual({ words: 'needle', cell: 'c1', output: true, seen: true });
    await page.keyboard.press('Shift+Enter');
    await page.keyboard.press('Shift+Enter');
    await says(page, '5 of 5');
    // Far away, and in a box that scrolls.
    await expect.poll(() => marked(page)).toEqual({ words: 'needle', cell: 'c23', output: true, seen: true });
    await rows(page).nth(2).click();
    await page.locator('[data-cell="c2"].active .cm-searchMatch-selected').waitFor();
    await rows(page).nth(3).click();
    await page.locator('[data-cell="c23"].active').waitFor();
    await expect.poll(() => marked(page)).toEqual({ words: 'needle', cell: 'c23', output: false, seen: true });
    // The text is rendered again: no hit is in it now.
    await tab.nth(2).locator('.rendered').waitFor();
    await search(page).getByLabel('In outputs too').click();
    await says(page, 'of 3');
    await search(page).getByLabel('Find', { exact: true }).press('Escape');
    await search(page).waitFor({ state: 'detached' });
    await page.locator('[data-cell="c23"]:focus').waitFor();
    expect(await marked(page)).toBeNull();
    await page.locator('.panel[aria-label=Files]').waitFor();
  });

  it('finds what is folded, and shows it while it is the current hit', async () => {
    const tab = await w.open('print needle one', text('# Part'), 'print needle two');
    const { page } = tab;
    await ran(tab, 1, 3);
    await tab.select(tab.nth(1));
    await page.keyboard.press('o');
    await tab.nth(1).locator('.out-folded').waitFor();
    await page.keyboard.press('Control+Shift+ArrowLeft');
    await tab.cell('c3').waitFor({ state: 'hidden' });
    await searchFor(tab, 'needle');
    await says(page, '1 of 4');
    await page.keyboard.press('Enter');
    await expect.poll(() => marked(page)).toEqual({ words: 'needle', cell: 'c1', output: true, seen: true });
    await page.keyboard.press('Enter');
    await tab.cell('c3').waitFor();
    await tab.nth(1).locator('.out-folded').waitFor();
  });

  it('opens the frames of an error that a hit is in', async () => {
    const tab = await w.python('def needle():\n    return 1 / 0', 'def outer():\n    return needle()', 'outer()');
    await ran(tab, 1, 2);
    await tab.run(tab.nth(3));
    await tab.ended(tab.nth(3), 'error');
    await tab.nth(3).locator('.fold[aria-expanded=false]').waitFor();
    await searchFor(tab, 'in outer()');
    const outputs = rows(tab.page).filter({ hasText: 'out\n' });
    await outputs.first().waitFor();
    await search(tab.page).getByLabel('Find', { exact: true }).fill('return needle()');
    await outputs.first().click();
    await expect.poll(() => marked(tab.page)).toMatchObject({ words: 'return needle()', cell: 'c3', output: true, seen: true });
  });

  it('finds what is in a frame, and marks the output', async () => {
    const tab = await w.open('display text/html <table><tr><td>in a <b>tab</b>le</td></tr></table>');
    await ran(tab, 1);
    await searchFor(tab, 'a table');
    await rows(tab.page).filter({ hasText: 'in a table' }).click();
    await tab.nth(1).locator('.out-part.found-here').waitFor();
    await search(tab.page).getByLabel('Find', { exact: true }).fill('text/html');
    await tab.nth(1).locator('.out-part.found-here').waitFor({ state: 'detached' });
  });

  it('keeps what is typed before all of it is fetched', async () => {
    const name = await w.notebook(['print needle']);
    let go = () => {};
    const wait = new Promise<void>((done) => (go = done));
    await w.context.route(/assets\/later-.*\.js/, async (route) => {
      await wait;
      await route.continue();
    });
    const { page } = await Tab.open(w.context, w.server.url(name));
    await page.keyboard.press('ControlOrMeta+f');
    await page.locator('.find-early').waitFor();
    await page.keyboard.type('nee');
    go();
    await search(page).getByLabel('Match case').waitFor();
    await page.keyboard.type('dle');
    await says(page, '1 of 1');
  });

  it('goes to a cell that is not drawn yet', async () => {
    const name = await w.notebook([...Array(1500).fill('print 1\nprint 2\nprint 3'), 'print a needle']);
    const tab = await Tab.open(w.context, w.server.url(name));
    await searchFor(tab, 'needle');
    await says(tab.page, '1 of 1');
    await expect.poll(() => marked(tab.page), { timeout: 45_000 }).toEqual({ words: 'needle', cell: 'c1501', output: false, seen: true });
  });

  it('follows what cells put out while it is open', async () => {
    const tab = await w.open('repeat 3 print needle $i\ninput go on?\nprint needle\n');
    const { page } = tab;
    await tab.run(tab.nth(1));
    await tab.nth(1).locator('.ask input').waitFor();
    await tab.select(tab.nth(1));
    await searchFor(tab, 'needle');
    await says(page, '1 of 5');
    await tab.nth(1).locator('.ask input').fill('needle');
    await tab.nth(1).locator('.ask input').press('Enter');
    await says(page, '1 of 7');
  });

  it('is not held up by an expression that takes for ever', async () => {
    const tab = await w.open(`print ${'a'.repeat(60)}b`, 'print other');
    const { page } = tab;
    await searchFor(tab, '(a+)+$');
    await search(page).getByLabel('Regular expression').click();
    await says(page, 'takes too long');
    // The page went on meanwhile, and so does the search.
    await search(page).getByLabel('Find', { exact: true }).fill('(a+)+b|oth');
    await says(page, '1 of 2');
    await search(page).getByLabel('Find', { exact: true }).fill('a{2');
    await says(page, 'quantifier');
    await search(page).getByLabel('Find', { exact: true }).fill('(a+)+$');
    await search(page).getByLabel('Replace with').fill('x');
    await search(page).getByRole('button', { name: 'Replace all' }).click();
    await says(page, 'takes too long');
    expect(await tab.source(tab.nth(1))).toBe(`print ${'a'.repeat(60)}b`);
  });

  it('replaces one and all in the sources, so that two tabs agree, and takes it back', async () => {
    const one = await w.open('print old old', text('an old one'), 'print older');
    const { page } = one;
    const two = await Tab.open(w.context, page.url());
    const both = () => Promise.all([one, two].map((tab) => Promise.all([tab.source(tab.nth(1)), tab.source(tab.nth(3))])));
    await ran(one, 1);
    await one.select(one.nth(1));
    await searchFor(one, 'old');
    await search(page).getByLabel('Whole words').click();
    await says(page, '1 of 5');
    await search(page).getByLabel('Replace with').fill('new');
    await search(page).getByRole('button', { name: 'Replace', exact: true }).last().click();
    await expect.poll(both).toEqual([['print new old', 'print older'], ['print new old', 'print older']]);
    await says(page, '1 of 4');
    await search(page).getByRole('button', { name: 'Replace all' }).click();
    await expect.poll(both).toEqual([['print new new', 'print older'], ['print new new', 'print older']]);
    await two.nth(2).locator('.rendered', { hasText: 'an new one' }).waitFor();
    // What was put out stays.
    await says(page, '1 of 2');
    await page.locator('.toast', { hasText: '2 replaced in 2 cells' }).getByRole('button', { name: 'Undo' }).click();
    await expect.poll(both).toEqual([['print new old', 'print older'], ['print new old', 'print older']]);
    await search(page).getByLabel('Close find').click();
    await page.locator('[data-cell]:focus').waitFor();
    await page.keyboard.press('z');
    await expect.poll(both).toEqual([['print old old', 'print older'], ['print old old', 'print older']]);
  });

  it('is in the rail and in the bar’s list, and gives way to the other panels', async () => {
    const tab = await w.open('print needle');
    const { page } = tab;
    await page.locator('.rail').getByRole('button', { name: 'Search' }).click();
    await search(page).getByLabel('Find', { exact: true }).and(page.locator(':focus')).waitFor();
    await page.locator('.rail').getByRole('button', { name: 'Outline' }).click();
    await page.locator('.panel[aria-label=Outline]').waitFor();
    await tab.select(tab.nth(1));
    await page.keyboard.press('ControlOrMeta+f');
    await page.locator('.find').getByLabel('Find', { exact: true }).fill('needle');
    await page.locator('.find').getByRole('button', { name: 'All matches in a list' }).click();
    await page.locator('.panel[aria-label=Search]').waitFor();
    await rows(page).first().waitFor();
    expect(await page.locator('.find').count()).toBe(0);
    // Find's key is for the field that is there.
    await tab.select(tab.nth(1));
    await page.keyboard.press('ControlOrMeta+f');
    await search(page).getByLabel('Find', { exact: true }).and(page.locator(':focus')).waitFor();
    expect(await page.locator('.find').count()).toBe(0);
  });

  it.each(['light', 'dark'] as const)('has nothing serious for axe in the %s theme', async (colorScheme) => {
    await w.as({ colorScheme });
    const tab = await w.open('print a needle here', text('# A needle'));
    await ran(tab, 1);
    await searchFor(tab, 'needle');
    await rows(tab.page).nth(1).click();
    await expect.poll(() => marked(tab.page)).toMatchObject({ output: true });
    expect(await seriousFor(tab.page)).toEqual([]);
  });

  it('covers the cells on a phone, and shows the hit with the bar', async () => {
    await w.as({ viewport: { width: 360, height: 740 } });
    const tab = await w.open('print a needle here', ...Array(20).fill('# filler'), 'print the last needle');
    const { page } = tab;
    await page.locator('.top-menu').click();
    await page.getByRole('button', { name: 'Search the notebook' }).click();
    await search(page).getByLabel('Find', { exact: true }).and(page.locator(':focus')).waitFor();
    await page.keyboard.type('needle');
    await says(page, '1 of 2');
    expect(await seriousFor(page)).toEqual([]);
    await rows(page).last().click();
    await page.locator('.find').getByLabel('Next match').and(page.locator(':focus')).waitFor();
    await expect.poll(() => marked(page)).toEqual({ words: 'needle', cell: 'c22', output: false, seen: true });
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
    expect(await seriousFor(page)).toEqual([]);
  });
});
