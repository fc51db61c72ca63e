/** input() and getpass on the page. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Tab } from './browser';
import { World } from './world';
const w = new World('ask');

describe('a question', () => {
  it('is answered where the output ends', async () => {
    const tab = await w.open('input Name:\nprint hello $answer');
    const cell = tab.nth(1);
    await tab.run(cell);
    await cell.locator('.ask input').waitFor();
    await expect.poll(() => tab.page.evaluate(() => document.activeElement?.getAttribute('aria-label'))).toBe('Name:');
    expect(await tab.page.title()).toContain('waits for your answer');
    await tab.page.keyboard.type('Ada');
    await tab.page.keyboard.press('Enter');
    await tab.ended(cell);
    expect(await tab.output(cell)).toContain('hello Ada');
    expect(await tab.page.evaluate(() => document.activeElement?.closest('[data-cell]')?.getAttribute('data-cell'))).toBe('c1');
  });

  it('survives a reload, with what was typed', async () => {
    const tab = await w.open('input Week:\nprint $answer!');
    await tab.run(tab.nth(1));
    const box = tab.nth(1).locator('.ask input');
    await box.fill('46');
    await tab.page.reload();
    await tab.ready();
    await expect.poll(() => box.inputValue()).toBe('46');
    await box.press('Enter');
    await tab.ended(tab.nth(1));
    expect(await tab.output(tab.nth(1))).toContain('46!');
  });

  it('survives a reload on a machine where the page before goes late', async () => {
    const tab = await w.open('input Week:');
    await tab.run(tab.nth(1));
    const box = tab.nth(1).locator('.ask input');
    await box.fill('46');
    // Another page takes the name when the first one goes, and gives it up a second after the reloaded page wants it.
    const other = await w.context.newPage();
    await other.goto(w.server.origin);
    const name = await tab.page.evaluate(() => `runnel-keep-${sessionStorage.getItem('runnel.page')}`);
    await other.evaluate((lock) => {
      const wanted = async (): Promise<boolean> => (await navigator.locks.query()).pending?.some((l) => l.name === lock) ?? false;
      void navigator.locks.request(lock, async () => {
        while (!(await wanted())) await new Promise((next) => setTimeout(next, 20));
        await new Promise((over) => setTimeout(over, 1000));
      });
    }, name);
    await tab.page.reload();
    await tab.ready();
    await expect.poll(() => box.inputValue()).toBe('46');
  });

  it('of a thread is answered when its cell has ended', async () => {
    const tab = await w.python('import threading\nthreading.Thread(target=lambda: print("hello", input("Name: "))).start()', 'print("two", input("Two: "))');
    const [one, two] = [tab.nth(1), tab.nth(2)];
    await tab.run(one);
    await tab.ended(one);
    const box = one.locator('.ask input');
    await box.fill('Ada');
    expect(await one.locator('.meta-wait').textContent()).toContain('waits for you');
    await tab.page.locator('.badge').waitFor();
    await tab.page.reload();
    await tab.ready();
    await expect.poll(() => box.inputValue()).toBe('Ada');
    await tab.run(two);
    await two.locator('.ask input').fill('2');
    await two.locator('.ask input').press('Enter');
    await tab.ended(two);
    expect(await tab.output(two)).toContain('two 2');
    await box.press('Enter');
    await expect.poll(() => tab.output(one)).toContain('hello Ada');
    expect(await tab.page.locator('.ask, .badge').count()).toBe(0);
  });

  it('of a thread ends by an interrupt when nothing runs', async () => {
    const tab = await w.python('import threading\nthreading.Thread(target=input).start()', '1');
    const cell = tab.nth(1);
    await tab.run(cell);
    await tab.ended(cell);
    await cell.locator('.ask input').waitFor();
    await tab.page.getByRole('button', { name: 'Interrupt', exact: true }).click();
    await expect.poll(() => tab.output(cell)).toContain('EOFError: interrupted');
    expect(await tab.page.locator('.ask, .badge').count()).toBe(0);
    expect(await tab.page.getByRole('button', { name: 'Interrupt', exact: true }).getAttribute('aria-disabled')).toBe('true');
  });

  it('is on the screen when the page opens, under much output', async () => {
    const tab = await w.open('flood 300', '# long\n'.repeat(60), 'input Week:');
    await tab.page.getByRole('button', { name: 'Run all' }).click();
    await tab.nth(3).locator('.ask input').waitFor();
    const later = await Tab.open(w.context, tab.page.url());
    const box = later.nth(3).locator('.ask input');
    await expect.poll(() => box.evaluate((el) => document.activeElement === el && el.getBoundingClientRect().bottom <= innerHeight && el.getBoundingClientRect().top > 48)).toBe(true);
    await box.press('Enter');
    await later.ended(later.nth(3));
  });

  it('is answered once: the other tab says so', async () => {
    const one = await w.open('input Who?');
    const two = await Tab.open(w.context, one.page.url());
    await one.run(one.nth(1));
    await two.nth(1).locator('.ask input').waitFor();
    await one.nth(1).locator('.ask input').fill('me');
    await one.nth(1).locator('.ask input').press('Enter');
    await two.page.locator('.toast', { hasText: 'another tab' }).waitFor();
    expect(await two.nth(1).locator('.ask').count()).toBe(0);
  });

  it('hides a password, everywhere', async () => {
    const secret = 'correct-horse-battery';
    const tab = await w.python('from getpass import getpass\nlength = len(getpass())\nprint("length", length)');
    const cell = tab.nth(1);
    await tab.run(cell);
    const box = cell.locator('.ask input');
    await box.waitFor();
    expect(await box.getAttribute('type')).toBe('password');
    await box.fill(secret);
    expect(await tab.page.evaluate((s) => JSON.stringify({ ...sessionStorage, ...localStorage }).includes(s), secret)).toBe(false);
    await box.press('Enter');
    await tab.ended(cell);
    expect(await tab.output(cell)).toContain(`length ${secret.length}`);
    expect(await tab.page.content()).not.toContain(secret);
    await tab.page.keyboard.press('ControlOrMeta+s');
    await expect.poll(() => w.server.read(w.name), { timeout: 15_000 }).toContain('length 21');
    const all = await readdir(join(w.server.folder, '..'), { recursive: true, withFileTypes: true });
    for (const f of all.filter((e) => e.isFile())) {
      expect((await readFile(join(f.parentPath, f.name))).includes(secret), f.name).toBe(false);
    }
  });
});
