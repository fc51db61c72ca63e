/** What a person meets in the first hour, where a page is easily a little wrong: the focus, the view, what is said. */
import { describe, expect, it } from 'vitest';
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
