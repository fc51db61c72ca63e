/** What a person meets in the first hour, where a page is easily a little wrong: the focus, the view, what is said. */
import { describe, expect, it } from 'vitest';
import { lines } from './steps';
import { World } from './world';

const w = new World('hour');

describe('the keyboard', () => {
  it('goes to the question of what was just run, also from the new cell at the end', async () => {
    const tab = await w.open('input Year?\nprint got $answer');
    await tab.select(tab.nth(1));
    await tab.page.keyboard.press('Shift+Enter');
    await tab.page.locator('.ask input:focus').waitFor();
    await tab.page.keyboard.type('1984');
    await tab.page.keyboard.press('Enter');
    await tab.ended(tab.nth(1));
    expect(await tab.output(tab.nth(1))).toContain('got 1984');
    expect(await tab.source(tab.nth(2))).toBe('');
  });

  it('stays where one types on, when a question comes', async () => {
    const tab = await w.open('sleep 700ms\ninput Year?', '');
    await tab.select(tab.nth(1));
    await tab.page.keyboard.press('Shift+Enter');
    await tab.page.keyboard.press('Enter');
    await tab.nth(2).locator('.cm-content').waitFor();
    await tab.page.keyboard.type('typed');
    await tab.nth(1).locator('.ask input').waitFor();
    await tab.page.keyboard.type(' on');
    expect(await tab.source(tab.nth(2))).toBe('typed on');
  });

  it('restarts with Enter when it has asked for a restart', async () => {
    const tab = await w.open('print one');
    await tab.run(tab.nth(1));
    await tab.ended(tab.nth(1));
    await tab.page.keyboard.press('0');
    await tab.page.keyboard.press('0');
    await tab.page.getByRole('button', { name: 'Restart', exact: true }).and(tab.page.locator(':focus')).waitFor();
  });
});

describe('a cell that is deleted while it runs', () => {
  it('runs on, can be stopped, and is brought back running, with all that it printed', async () => {
    const tab = await w.open(lines(40, 'line', '100ms'), 'print other');
    await tab.run(tab.nth(1));
    await tab.nth(1).locator('.outputs', { hasText: 'line 1' }).waitFor();
    await tab.page.keyboard.press('d');
    await tab.page.keyboard.press('d');
    await tab.page.locator('.toast', { hasText: 'Its code runs on' }).waitFor();
    await tab.page.locator('.foot', { hasText: 'A deleted cell runs' }).waitFor();
    const interrupt = tab.page.getByRole('button', { name: 'Interrupt', exact: true });
    expect(await interrupt.isEnabled()).toBe(true);
    await tab.page.keyboard.press('z');
    await tab.page.locator('[data-cell="c1"].is-running').waitFor();
    await tab.cell('c1').locator('.outputs', { hasText: 'line 20' }).waitFor();
    const printed = [...(await tab.output(tab.cell('c1'))).matchAll(/line (\d+)/g)].map((m) => Number(m[1]));
    expect(printed).toEqual([...printed.keys()]);
    await interrupt.click();
    await tab.ended(tab.cell('c1'), 'interrupted');
  });
});

describe('a cell that is cut and pasted, or doubled', () => {
  it('has its output still, is shown as it was, and one Z takes all of it away', async () => {
    const tab = await w.open('print the result', { source: '# Heading', type: 'markdown' }, 'print other');
    await tab.run(tab.nth(1));
    await tab.ended(tab.nth(1));
    await tab.select(tab.nth(1));
    await tab.page.keyboard.press('Shift+ArrowDown');
    await tab.page.keyboard.press('x');
    await tab.page.locator('[data-cell="c3"].active').waitFor();
    await tab.page.keyboard.press('v');
    await tab.nth(2).locator('.outputs', { hasText: 'the result' }).waitFor();
    await tab.nth(3).locator('h1', { hasText: 'Heading' }).waitFor();
    await tab.page.keyboard.press('z');
    await expect.poll(() => tab.page.locator('[data-cell]').count()).toBe(1);
    await expect.poll(() => w.server.read(w.name), { timeout: 15_000 }).not.toContain('Heading');
  });
});
