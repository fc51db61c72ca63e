/** A person at the page: the built binary, Chromium, and the scripted kernel, or a real Python where the words are Python's. */
import { mkdir, readdir, rm } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { person, Tab } from './browser';
import { lines } from './steps';
import { seriousFor, World } from './world';

const w = new World('test');

describe('a cell', () => {
  it('is written, run and saved', async () => {
    const tab = await w.python('');
    const cell = tab.nth(1);
    await tab.page.keyboard.type('6 * 7');
    const starting = tab.page.locator('.foot-progress', { hasText: 'Starting Python' }).waitFor();
    await tab.page.keyboard.press('Shift+Enter');
    await starting; // what is waited for, in words
    await tab.ended(cell);
    expect(await cell.locator('.outputs').innerText()).toContain('42');
    // The end of the notebook: a new cell, in edit mode.
    await tab.page.locator('[data-cell].editing').waitFor();
    expect(await tab.page.locator('[data-cell]').count()).toBe(2);
    await expect.poll(() => w.server.read(w.name), { timeout: 15_000 }).toContain('6 * 7');
  });

  it('takes what is typed before the editor has come, runs it, and goes on in the editor where the caret is', async () => {
    const name = await w.notebook(['']);
    const page = await w.context.newPage();
    let come = () => {};
    const editor = new Promise<void>((done) => (come = done));
    await page.route(/assets\/editor-.*\.js/, async (route) => editor.then(() => route.continue()));
    await page.goto(w.server.url(name));
    const field = page.locator('[data-cell="c1"] textarea:focus');
    await field.waitFor();
    await page.keyboard.type('print one');
    await page.keyboard.press('Enter');
    await page.keyboard.type('print two');
    await page.keyboard.press('ControlOrMeta+Enter');
    const outputs = page.locator('[data-cell="c1"] .outputs');
    await outputs.filter({ hasText: 'two' }).waitFor();
    expect(await outputs.innerText()).toContain('one\ntwo');
    await page.keyboard.press('Enter'); // to edit again
    await field.waitFor();
    await page.keyboard.press('ArrowUp');
    await page.keyboard.press('Home');
    await page.keyboard.type('print z');
    come();
    await page.locator('[data-cell="c1"] .cm-content:focus').waitFor();
    expect(await page.locator('textarea').count()).toBe(0);
    await page.keyboard.type('ero');
    await page.keyboard.press('Enter');
    expect(await page.locator('[data-cell="c1"] .cm-line').allInnerTexts()).toEqual(['print zero', 'print one', 'print two']);
    await expect.poll(() => w.server.read(name), { timeout: 15_000 }).toContain('print zero\\n');
  });

  it('is added to a notebook that has none when a person wants one: opening writes nothing', async () => {
    const name = await w.server.notebook('no-cells.ipynb', [], 'script');
    const before = await w.server.read(name);
    const page = await w.context.newPage();
    await page.goto(w.server.url(name));
    await page.locator('.line-chip', { hasText: 'Live' }).waitFor({ state: 'attached' });
    const first = page.getByRole('button', { name: 'Add the first cell' });
    await first.and(page.locator(':focus')).waitFor();
    expect(await page.locator('[data-cell]').count()).toBe(0);
    await page.locator('.save', { hasText: /^Saved/ }).waitFor({ state: 'attached' });
    expect(await w.server.read(name)).toBe(before);
    await page.keyboard.press('Enter');
    await page.locator('[data-cell].editing').waitFor();
    await page.keyboard.type('6 * 7');
    await expect.poll(() => w.server.read(name), { timeout: 15_000 }).toContain('6 * 7');
  });

  it('is marked in the frame of the key press', async () => {
    const tab = await w.open('sleep 1s');
    await tab.page.keyboard.press('Escape');
    const marked = await tab.page.evaluate(() => {
      const cell = document.querySelector('[data-cell]');
      cell?.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', code: 'Enter', ctrlKey: true, bubbles: true, cancelable: true }));
      return new Promise<string>((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(cell?.className ?? ''))));
    });
    expect(marked).toMatch(/is-(sending|queued|running)/);
  });

  it('shows a loop line by line, as it prints', async () => {
    const tab = await w.open(lines(5, 'line', '400ms'));
    const cell = tab.nth(1);
    await tab.run(cell);
    const seen = new Set<number>();
    await expect
      .poll(async () => {
        seen.add((await tab.output(cell)).split('\n').length - 1);
        return seen.has(5);
      }, { timeout: 20_000, interval: 40 })
      .toBe(true);
    expect([1, 2, 3, 4].every((n) => seen.has(n))).toBe(true);
  });

  it('keeps a progress bar on one line', async () => {
    const tab = await w.open('repeat 101 write "\\r$i%"\nprint');
    const cell = tab.nth(1);
    await tab.run(cell);
    await tab.ended(cell);
    await expect.poll(() => tab.output(cell)).toBe('100%\n');
  });

  it('shows the last frame of an error first, and leads to its cell', async () => {
    const tab = await w.python('def half(x):\n    return 1 / x', 'half(0)');
    await tab.run(tab.nth(1));
    await tab.ended(tab.nth(1));
    await tab.run(tab.nth(2));
    await tab.ended(tab.nth(2), 'error');
    const error = tab.nth(2).locator('.out-error');
    expect(await error.innerText()).toContain('ZeroDivisionError: division by zero');
    await error.locator('.err-where').first().click();
    await tab.page.locator('[data-cell="c1"].active').waitFor();
  });

  it('puts HTML and scripts in a frame that cannot reach the page', async () => {
    const tab = await w.open(
      "display text/html <b id=x>hello</b><script>try { parent.document.title = 'owned', x.textContent = 'out' } catch { x.textContent = 'kept in' }</script>",
    );
    await tab.run(tab.nth(1));
    const frame = tab.nth(1).locator('iframe');
    await frame.waitFor();
    expect(await frame.getAttribute('sandbox')).toBe('allow-scripts');
    await frame.contentFrame().locator('#x', { hasText: 'kept in' }).waitFor();
  });
});

describe('a reload in mid-run', () => {
  it('shows the same page: output, timer, queue', async () => {
    const tab = await w.open(lines(12, 'tick', '300ms'), ...[...Array(5).keys()].map((i) => `print after ${i}`));
    await tab.page.getByRole('button', { name: 'Run all' }).click();
    await expect.poll(() => tab.output(tab.nth(1)), { timeout: 20_000 }).toContain('tick 2');
    await tab.page.reload();
    await tab.ready();
    await tab.page.locator('[data-cell="c1"].is-running').waitFor({ timeout: 2000 });
    const queue = await Promise.all([2, 3, 4, 5, 6].map((n) => tab.nth(n).locator('.meta').innerText()));
    expect(queue).toEqual(['queued, next', 'queued, 2nd', 'queued, 3rd', 'queued, 4th', 'queued, 5th']);
    expect(await tab.page.locator('.kernel-chip').innerText()).toContain('busy');
    expect(await tab.nth(1).locator('.meta').innerText()).toMatch(/^\d+ s$/);
    await tab.ended(tab.nth(6));
    expect(await tab.output(tab.nth(1))).toBe(Array.from({ length: 12 }, (_, i) => `tick ${i}\n`).join(''));
  });

  it('goes on when the server was killed', async () => {
    const tab = await w.python('import time\nfor i in range(20):\n    print("tick", i)\n    time.sleep(0.25)');
    await tab.run(tab.nth(1));
    await expect.poll(() => tab.output(tab.nth(1)), { timeout: 20_000 }).toContain('tick 2');
    await w.server.kill();
    await tab.page.locator('.line-chip', { hasText: 'Reconnecting' }).waitFor();
    await w.server.up();
    await tab.ended(tab.nth(1), 'ok', 40_000);
    await expect.poll(() => tab.output(tab.nth(1))).toBe(Array.from({ length: 20 }, (_, i) => `tick ${i}\n`).join(''));
  });
});

describe('a notebook that is not saved', () => {
  it('is shown as such in every tab, with the reason, until it is', async () => {
    const one = await w.open('x = 1');
    const two = await Tab.open(w.context, one.page.url());
    await rm(w.server.folder, { recursive: true });
    try {
      await one.write(one.nth(1), 'x = 2');
      for (const tab of [one, two]) await tab.page.locator('.save[role=alert]', { hasText: 'Not saved: ' }).waitFor();
    } finally {
      await mkdir(w.server.folder, { recursive: true });
    }
    for (const tab of [one, two]) await tab.page.locator('.save', { hasText: /^Saved/ }).waitFor();
    expect(await w.server.read(w.name)).toContain('x = 2');
  }, 90_000);

  it('for longer than 10 s is so in every tab, with the time', async () => {
    const one = await w.open('x = 1');
    const two = await Tab.open(w.context, one.page.url());
    for (const tab of [one, two]) await tab.page.clock.install();
    await one.enter(one.nth(1));
    await one.page.keyboard.type('0');
    for (const tab of [one, two]) await tab.page.locator('.save', { hasText: 'Saving' }).waitFor();
    w.server.signal('SIGSTOP');
    try {
      for (const tab of [one, two]) {
        await tab.page.clock.fastForward(11_000);
        await tab.page.locator('.save', { hasText: /^Not saved for \d+ s$/ }).waitFor();
      }
    } finally {
      w.server.signal('SIGCONT');
    }
    for (const tab of [one, two]) await tab.page.locator('.save', { hasText: /^Saved/ }).waitFor();
  }, 90_000);
});

it('a kernel that takes 10 s to end can be ended by force', async () => {
  const others = await w.server.keepers();
  const tab = await w.open('print ready', 'print again');
  await tab.run(tab.nth(1));
  await tab.ended(tab.nth(1));
  const keeper = (await w.server.keepers()).find((pid) => !others.includes(pid));
  if (keeper === undefined) throw new Error('no keeper');
  process.kill(keeper, 'SIGSTOP');
  try {
    await tab.page.keyboard.press('0');
    await tab.page.keyboard.press('0');
    await tab.page.getByRole('dialog').getByRole('button', { name: /^Restart/ }).click();
    await tab.page.locator('.kernel-chip', { hasText: 'restarting' }).waitFor();
    await tab.run(tab.nth(2));
    await tab.page.locator('.toast', { hasText: 'takes long to end' }).getByRole('button', { name: 'End it by force' }).click();
    await tab.ended(tab.nth(2));
    expect(await tab.output(tab.nth(2))).toBe('again\n');
  } finally {
    if (await w.server.keepers().then((pids) => pids.includes(keeper))) process.kill(keeper, 'SIGCONT');
  }
}, 90_000);

describe('editing', () => {
  it('converges when two tabs type in one cell', async () => {
    const one = await w.open('x = 1');
    const two = await Tab.open(w.context, one.page.url());
    for (const [tab, key] of [[one, 'Home'], [two, 'End']] as const) {
      await tab.enter(tab.nth(1));
      await tab.page.keyboard.press(`ControlOrMeta+${key}`);
    }
    await Promise.all([one.page.keyboard.type('aaaa ', { delay: 15 }), two.page.keyboard.type(' bbbb', { delay: 15 })]);
    await expect.poll(async () => [await one.source(one.nth(1)), await two.source(two.nth(1))]).toEqual(['aaaa x = 1 bbbb', 'aaaa x = 1 bbbb']);
  });

  it('deletes cells and brings them back', async () => {
    const tab = await w.open('first', 'second', 'third');
    await tab.select(tab.nth(2));
    await tab.page.keyboard.press('d');
    await tab.page.keyboard.press('d');
    await expect.poll(() => tab.page.locator('[data-cell]').count()).toBe(2);
    // The focus is on the cell that took its place.
    expect(await tab.page.evaluate(() => document.activeElement?.getAttribute('data-cell'))).toBe('c3');
    await tab.page.locator('.toast').getByRole('button', { name: 'Undo' }).click();
    await expect.poll(async () => Promise.all([1, 2, 3].map((n) => tab.idOf(tab.nth(n))))).toEqual(['c1', 'c2', 'c3']);
    expect(await tab.source(tab.nth(2))).toBe('second');
  });

  it('goes on without a line, and is sent when it is back', async () => {
    const tab = await w.open('y = 1');
    await tab.write(tab.nth(1), 'y = 1');
    const other = await person(w.browser, w.server);
    const name = w.name;
    await w.server.kill();
    await tab.page.locator('.line-chip', { hasText: 'Reconnecting' }).waitFor();
    await tab.write(tab.nth(1), 'y = 2  # written without a line');
    await tab.page.locator('.save', { hasText: 'not sent yet' }).waitFor();
    await w.server.up();
    const two = await Tab.open(other, w.server.url(name));
    await expect.poll(() => two.source(two.nth(1)), { timeout: 40_000 }).toBe('y = 2  # written without a line');
    await other.close();
  });

  it('is possible as soon as the server is back, when it went away before the editor had come', async () => {
    const tab = await w.open('y = 1');
    await w.server.kill();
    await tab.nth(1).locator('.code').first().click();
    await tab.page.locator('.line-chip', { hasText: 'Reconnecting' }).waitFor();
    await w.server.up();
    await tab.write(tab.nth(1), 'y = 3');
    await expect.poll(() => w.server.read(w.name), { timeout: 30_000 }).toContain('y = 3');
  });

  it('begins with a click that came before the editor, on a cell that was pointed at', async () => {
    let come = () => {};
    const there = new Promise<void>((resolve) => { come = resolve; });
    await w.context.route('**/assets/editor-*.js', async (route) => {
      await there;
      await route.continue();
    });
    const tab = await w.open('', 'y = 1');
    const code = tab.nth(2).locator('.code-static');
    await code.hover();
    await tab.nth(2).locator('.code-live').waitFor({ state: 'attached' });
    await code.click({ force: true }); // where it is: the field over it takes it
    come();
    await tab.nth(2).locator('.cm-focused').waitFor();
  });

  it('has Jupyter’s keys', async () => {
    const tab = await w.open('a', 'b');
    const { keyboard } = tab.page;
    await tab.select(tab.nth(1));
    const ids = () => tab.page.evaluate(() => [...document.querySelectorAll('[data-cell]')].map((e) => e.className.split(' ')[1]));
    await keyboard.press('b');
    await expect.poll(ids).toEqual(['cell-code', 'cell-code', 'cell-code']);
    await keyboard.press('m');
    await expect.poll(ids).toEqual(['cell-code', 'cell-markdown', 'cell-code']);
    await keyboard.press('Enter');
    await keyboard.type('# Title');
    await keyboard.press('Shift+Enter');
    await tab.nth(2).locator('h1', { hasText: 'Title' }).waitFor();
    await tab.page.locator('[data-cell="c2"].active').waitFor();
    await keyboard.press('z');
    await keyboard.press('k');
    await keyboard.press('Shift+ArrowDown');
    expect(await tab.page.locator('[data-cell].selected').count()).toBe(2);
    await keyboard.press('ControlOrMeta+Shift+c');
    await tab.page.getByRole('combobox', { name: 'Find a command' }).fill('merge the sel');
    await keyboard.press('Enter');
    await expect.poll(() => tab.page.locator('[data-cell]').count()).toBe(2);
  });
});

describe('the page', () => {
  it.each(['light', 'dark'] as const)('has nothing serious for axe in the %s theme', async (colorScheme) => {
    await w.as({ colorScheme });
    const tab = await w.open('print text', 'input Name:', 'error ZeroDivisionError division by zero');
    await tab.run(tab.nth(3));
    await tab.ended(tab.nth(3), 'error');
    await tab.run(tab.nth(1));
    await tab.ended(tab.nth(1));
    await tab.run(tab.nth(2));
    await tab.nth(2).locator('.ask input').waitFor();
    const background = await tab.page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    expect(background).toBe(colorScheme === 'dark' ? 'rgb(19, 21, 23)' : 'rgb(247, 248, 248)');
    expect(await seriousFor(tab.page)).toEqual([]);
    await tab.nth(2).locator('.ask input').press('Enter');
  });

  it.each(['light', 'dark'] as const)('has nothing serious for axe in its menus, dialogs, panels and completions in the %s theme', async (colorScheme) => {
    await w.as({ colorScheme });
    const tab = await w.python({ source: '# A title', type: 'markdown' }, 'import os');
    const { page } = tab;
    const found: string[] = [];
    const look = async (what: string) => found.push(...(await seriousFor(page)).map((text) => `${what}: ${text}`));
    const shut = async (role: 'menu' | 'dialog') => {
      await page.keyboard.press('Escape');
      await page.getByRole(role).waitFor({ state: 'detached' });
    };
    await tab.run(tab.nth(2));
    await tab.ended(tab.nth(2));
    await tab.nth(2).hover();
    for (const menu of [tab.nth(2).getByRole('button', { name: 'More for cell 2' }), page.locator('.kernel-chip')]) {
      await menu.click();
      await page.locator('[role^=menuitem]:focus').waitFor();
      await look('menu');
      await shut('menu');
    }
    for (const [name, keys] of [['palette', 'ControlOrMeta+Shift+c'], ['shortcuts', 'h'], ['settings', 'ControlOrMeta+,'], ['restart', '0 0']] as const) {
      await tab.nth(2).focus();
      for (const key of keys.split(' ')) await page.keyboard.press(key);
      await page.getByRole('dialog').waitFor();
      await look(name);
      await shut('dialog');
    }
    for (const name of ['Outline', 'Variables']) {
      await page.locator('.rail').getByRole('button', { name }).click();
      await look(name);
    }
    await tab.nth(2).focus();
    await page.keyboard.press('Enter');
    await page.keyboard.press('ControlOrMeta+End');
    await page.keyboard.type('\nos.');
    const names = async () => {
      await page.keyboard.press('Control+Space'); // a kernel that is late with its first answer has the next one ready
      return page.locator('.cm-tooltip-autocomplete li').count();
    };
    await expect.poll(names, { timeout: 40_000, interval: 2_000 }).toBeGreaterThan(20);
    await look('completions');
    expect(found).toEqual([]);
  });

  it('works on a phone: watch, answer, stop', async () => {
    await w.as({ viewport: { width: 360, height: 740 } });
    const tab = await w.open('input Name:\nsleep 60s', ...Array.from({ length: 110 }, () => 'sleep 1s'));
    await tab.page.getByRole('button', { name: 'Run all' }).click();
    await tab.page.locator('.foot-run', { hasText: 'waits for you · 1 s' }).waitFor(); // with what waits, the longest line at the foot
    expect(await tab.page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
    await tab.nth(1).locator('.ask input').fill('Ada');
    await tab.nth(1).locator('.ask-send').click();
    await tab.page.getByRole('button', { name: 'Interrupt', exact: true }).click();
    await tab.page.waitForFunction(() => /ended-(interrupted|error)/.test(document.querySelector('[data-cell]')?.className ?? ''), null, { timeout: 10_000 });
    expect(await tab.page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
  });

  it('makes, renames, deletes and restores files', async () => {
    const tab = await w.open('x');
    const panel = tab.page.locator('.panel');
    await panel.getByRole('button', { name: 'New', exact: true }).click();
    await tab.page.getByRole('menuitem', { name: 'New notebook' }).click();
    await tab.page.waitForURL(/Untitled/);
    await tab.ready();
    await panel.locator('.row-line', { hasText: 'Untitled.ipynb' }).hover();
    await panel.getByRole('button', { name: 'Actions for Untitled.ipynb' }).click();
    await tab.page.getByRole('menuitem', { name: 'Rename' }).click();
    await tab.page.keyboard.press('ControlOrMeta+a');
    await tab.page.keyboard.type('Renamed');
    await tab.page.keyboard.press('Enter');
    await tab.page.waitForURL(/Renamed\.ipynb/);
    await panel.locator('.row-line', { hasText: 'Renamed.ipynb' }).hover();
    await panel.getByRole('button', { name: 'Actions for Renamed.ipynb' }).click();
    await tab.page.getByRole('menuitem', { name: 'Delete' }).click();
    await expect.poll(() => readdir(w.server.folder)).not.toContain('Renamed.ipynb');
    await tab.page.locator('.toast').getByRole('button', { name: 'Undo' }).click();
    await expect.poll(() => readdir(w.server.folder)).toContain('Renamed.ipynb');
  });
});
