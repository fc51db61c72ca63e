/** What a person meets in the first hour, where a page is easily a little wrong: the focus, the view, what is said. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Tab } from './browser';
import { python } from './server';
import { lines } from './steps';
import { seriousFor, World } from './world';

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

describe('a cell that is deleted while it asks', () => {
  it('is answered at the foot of the cells, where the badge leads, also after a reload', async () => {
    const tab = await w.open('input Year?\nset year $answer', 'print it was $year');
    await tab.run(tab.nth(1));
    await tab.nth(1).locator('.ask input').fill('19');
    await tab.page.keyboard.press('Escape');
    await tab.page.keyboard.press('d');
    await tab.page.keyboard.press('d');
    await tab.page.locator('[data-cell="c1"]').waitFor({ state: 'detached' });
    const strip = tab.page.getByRole('region', { name: 'A deleted cell asks' });
    const box = strip.getByRole('textbox', { name: 'Year?' });
    await expect.poll(() => box.inputValue()).toBe('19');
    await tab.page.locator('.foot', { hasText: 'A deleted cell waits for you' }).waitFor();
    expect(await seriousFor(tab.page)).toEqual([]);
    await tab.page.reload();
    await tab.ready();
    await expect.poll(() => box.inputValue()).toBe('19');
    await tab.select(tab.nth(1));
    await tab.page.getByRole('button', { name: 'A deleted cell waits for your answer' }).click();
    await box.and(tab.page.locator(':focus')).waitFor();
    await tab.page.keyboard.press('Escape');
    await tab.page.locator('[data-cell="c2"]:focus').waitFor();
    await box.press('End');
    await tab.page.keyboard.type('84');
    await tab.page.keyboard.press('Enter');
    await strip.waitFor({ state: 'detached' });
    await tab.page.locator('[data-cell="c2"]:focus').waitFor();
    await tab.run(tab.nth(1));
    await tab.nth(1).locator('.outputs', { hasText: 'it was 1984' }).waitFor();
  });

  it('can be put back and answered there', async () => {
    const tab = await w.open('input Year?\nprint got $answer', 'print other');
    await tab.run(tab.nth(1));
    await tab.nth(1).locator('.ask input').press('Escape');
    await tab.page.keyboard.press('d');
    await tab.page.keyboard.press('d');
    await tab.page.getByRole('button', { name: 'Put the cell back' }).click();
    await tab.nth(2).locator('.ask input').fill('1984');
    await tab.page.keyboard.press('Enter');
    await tab.ended(tab.nth(2));
    expect(await tab.output(tab.nth(2))).toContain('got 1984');
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

describe('the view', () => {
  it('stays where one is in a cell that is taller than it, when Escape leaves the editor', async () => {
    const tab = await w.open([...Array(200).keys()].map((i) => `# line ${i}`).join('\n'), 'print other');
    await tab.enter(tab.nth(1));
    await tab.page.keyboard.press('ControlOrMeta+End');
    const top = () => tab.page.locator('.main').evaluate((el) => el.scrollTop);
    await expect.poll(top).toBeGreaterThan(2000);
    const before = await top();
    await tab.page.keyboard.press('Escape');
    await tab.page.locator('.foot', { hasText: 'Command mode' }).waitFor();
    expect(await top()).toBe(before);
  });

  it('goes to the heading that the address names', async () => {
    const name = await w.notebook([...Array(30).keys()].map((i) => ({ source: `# Part ${i}\n\n${'text\n\n'.repeat(8)}`, type: 'markdown' as const })));
    const page = await w.context.newPage();
    await page.goto(`${w.server.url(name)}#Part-20`);
    await page.locator('[data-cell="c21"].active:focus').waitFor();
  });

  it('shows what went wrong in a run of all, and leads there', async () => {
    const long = { source: '# Long\n\n' + 'text\n\n'.repeat(80), type: 'markdown' as const };
    const tab = await w.open('print one', long, 'error Bad: worse', 'print two', 'print three');
    await tab.page.getByRole('button', { name: 'Run all' }).click();
    const toast = tab.page.locator('.toast', { hasText: 'Cell 3 failed' });
    await toast.filter({ hasText: '2 cells were not run' }).waitFor();
    await toast.getByRole('button', { name: 'Go there' }).click();
    await tab.page.locator('[data-cell="c3"].active:focus').waitFor();
  });
});

describe('looking for something', () => {
  it('leaves text rendered that had a match only on the way', async () => {
    const tab = await w.open({ source: '# In it', type: 'markdown' }, { source: 'with an **i**', type: 'markdown' }, 'import x');
    await tab.page.keyboard.press('ControlOrMeta+f');
    await tab.page.keyboard.type('import');
    await tab.page.getByRole('search').getByRole('status').filter({ hasText: '1 of 1' }).waitFor();
    await tab.nth(1).locator('.rendered').waitFor();
    await tab.nth(2).locator('.rendered').waitFor();
  });
});

describe('panels', () => {
  it('show the variables of the last run, also when they are opened after it', async () => {
    const tab = await w.python('answer = 6 * 7');
    await tab.run(tab.nth(1));
    await tab.ended(tab.nth(1));
    await tab.page.getByRole('button', { name: 'Variables', exact: true }).click();
    await tab.page.locator('.var', { hasText: 'answer' }).filter({ hasText: '42' }).waitFor();
  });

  it('help closes with Escape, and the keyboard is back on the cell', async () => {
    const tab = await w.python('len?');
    await tab.run(tab.nth(1));
    const help = tab.page.getByRole('region', { name: 'Help', exact: true });
    await help.waitFor();
    await help.getByRole('button', { name: 'Close help' }).click();
    await tab.page.locator('[data-cell="c1"]:focus').waitFor();
    await tab.run(tab.nth(1));
    await help.waitFor();
    await tab.page.keyboard.press('Escape');
    await help.waitFor({ state: 'detached' });
    await tab.run(tab.nth(1));
    await help.getByRole('region', { name: 'Help text' }).press('Escape');
    await help.waitFor({ state: 'detached' });
    await tab.page.locator('[data-cell="c1"]:focus').waitFor();
    expect(await tab.page.locator('[data-cell="c1"].editing').count()).toBe(0);
  });

  it('of files and outline are below one another on a phone', async () => {
    await w.as({ viewport: { width: 360, height: 640 } });
    const tab = await w.open({ source: '# Heading', type: 'markdown' });
    for (let i = 0; i < 40; i++) await w.server.notebook(`file-${i}.ipynb`, [], 'script');
    await tab.page.locator('.top-menu').click();
    const drawer = tab.page.locator('.drawer');
    await drawer.locator('.row', { hasText: 'file-39' }).waitFor();
    const edges = await drawer.evaluate((el) => ['.files', '.files ~ .panel-head'].map((of) => el.querySelector(of)?.getBoundingClientRect()).map((box) => [box?.top ?? 0, box?.bottom ?? 0]));
    const rows = await drawer.locator('.files .row').last().evaluate((el) => el.getBoundingClientRect().bottom);
    expect(edges[1]?.[0]).toBeGreaterThanOrEqual(rows);
  });
});

describe('files', () => {
  it('are not read as a whole to be looked at, and only as text when they are text', async () => {
    await writeFile(join(w.server.folder, 'big.txt'), 'line\n'.repeat(2_000_000));
    await writeFile(join(w.server.folder, 'data.bin'), Buffer.alloc(50_000_000));
    const page = await w.context.newPage();
    let most = 0;
    page.on('response', (r) => void r.body().then((b) => (most = Math.max(most, r.url().includes('/v1/file?') ? b.length : 0)), () => undefined));
    await page.goto(`${w.server.origin}/?file=big.txt`);
    await page.getByText('The first 977 KB of 9.5 MB', { exact: false }).waitFor();
    await page.goto(`${w.server.origin}/?file=data.bin`);
    await page.getByText('This file is not text', { exact: false }).waitFor();
    expect(most).toBeLessThanOrEqual(1_000_000);
  });

  it('that come and go are seen in the folder’s page, too', async () => {
    await w.server.notebook('one.ipynb', [], 'script');
    const page = await w.context.newPage();
    await page.goto(w.server.origin);
    await page.locator('.home-row', { hasText: 'one.ipynb' }).waitFor();
    const row = page.locator('.row-line', { hasText: 'one.ipynb' });
    await row.hover();
    await row.getByRole('button', { name: 'Actions for one.ipynb' }).click();
    await page.getByRole('menuitem', { name: 'Delete' }).click();
    await page.locator('.home-row', { hasText: 'one.ipynb' }).waitFor({ state: 'detached' });
    await page.locator('.toast').getByRole('button', { name: 'Undo' }).click();
    await page.locator('.home-row', { hasText: 'one.ipynb' }).waitFor();
  });
});

it('a kernel that is not there has not died: the cell was not run, and another can be chosen', async () => {
  const cells = [{ cell_type: 'code', id: 'c1', metadata: {}, source: '1', outputs: [], execution_count: null }];
  await writeFile(join(w.server.folder, 'other.ipynb'), JSON.stringify({ cells, metadata: { kernelspec: { name: 'ir', display_name: 'R', language: 'R' } }, nbformat: 4, nbformat_minor: 5 }));
  const tab = await Tab.open(w.context, w.server.url('other.ipynb'));
  await tab.run(tab.nth(1));
  await tab.nth(1).locator('.out-died', { hasText: 'This cell was not run' }).waitFor();
  expect(await tab.page.locator('.kernel-chip').innerText()).not.toContain('died');
  await tab.nth(1).getByRole('button', { name: 'Choose another kernel' }).click();
  await tab.page.getByRole('menu').waitFor();
});

it('a kernel that ends as it starts says its last words in the cell, and one that takes for ever to start can be interrupted', async () => {
  for (const [name, code] of [['broken', 'import nothing_of_that_name'], ['slow', 'import time; time.sleep(600)']] as const) {
    const spec = { name, display_name: name, language: name };
    await w.server.install({ ...spec, argv: [python, '-c', code, '{connection_file}'] });
    await w.server.notebook(`${name}.ipynb`, [{ id: 'c1', source: '1' }], spec);
  }
  await expect.poll(async () => (await w.context.request.get(`${w.server.origin}/runnel/v1/kernels?path=`)).text()).toContain('"slow"'); // it looks for kernels now and then
  const [broken, slow] = [await Tab.open(w.context, w.server.url('broken.ipynb')), await Tab.open(w.context, w.server.url('slow.ipynb'))];
  await broken.run(broken.nth(1));
  await broken.nth(1).locator('.out-died', { hasText: "No module named 'nothing_of_that_name'" }).waitFor();
  await slow.run(slow.nth(1));
  const interrupt = slow.page.getByRole('button', { name: 'Interrupt', exact: true });
  await interrupt.and(slow.page.locator('[aria-disabled=false]')).click();
  await slow.ended(slow.nth(1), 'cancelled');
  await interrupt.and(slow.page.locator('[aria-disabled=true]')).waitFor();
});

it('another kernel is chosen after a question when variables would be lost, else at once, with a way back', async () => {
  const tab = await w.open('set kept 1', 'print kept is $kept');
  await tab.run(tab.nth(1));
  await tab.ended(tab.nth(1));
  const chip = tab.page.locator('.kernel-chip');
  const choose = async (name: string) => {
    await chip.click();
    await tab.page.getByRole('menuitemradio', { name }).click();
  };
  const question = tab.page.getByRole('dialog', { name: /^Switch to Python/ });
  await choose('Python');
  await question.filter({ hasText: 'variables are lost' }).waitFor();
  expect(await seriousFor(tab.page)).toEqual([]);
  await tab.page.keyboard.press('Escape');
  await question.waitFor({ state: 'detached' });
  await chip.and(tab.page.locator(':focus')).waitFor();
  await tab.run(tab.nth(2));
  await tab.nth(2).locator('.outputs', { hasText: 'kept is 1' }).waitFor();
  await choose('Python');
  await question.waitFor();
  await tab.page.keyboard.press('Enter');
  const idle = (name: string) => chip.filter({ hasText: `Kernel, idle: ${name}` }).waitFor();
  await idle('Python');
  // Nothing was run on this one.
  await choose('Script');
  const told = tab.page.locator('.toast', { hasText: 'runs on Script now' });
  await told.waitFor();
  await told.getByRole('button', { name: 'Undo' }).click();
  await tab.page.locator('.toast', { hasText: 'runs on Python' }).waitFor();
  expect(await tab.page.getByRole('dialog').count()).toBe(0);
  await idle('Python');
});

describe('a code cell with an output', () => {
  it('has it again when it was made text and that is taken back; a number leaves it code', async () => {
    const tab = await w.open('print the result', { source: 'words', type: 'markdown' });
    await tab.run(tab.nth(1));
    await tab.ended(tab.nth(1));
    await tab.page.keyboard.press('1');
    await tab.page.keyboard.press('m');
    await tab.page.locator('[data-cell].cell-markdown.active:focus').waitFor();
    expect(await tab.source(tab.nth(1))).toBe('print the result');
    await tab.page.keyboard.press('z');
    await tab.page.locator('[data-cell="c1"].cell-code.active:focus').waitFor();
    await tab.nth(1).locator('.outputs', { hasText: 'the result' }).waitFor();
    await expect.poll(() => tab.page.locator('[data-cell]').count()).toBe(2);
    await tab.page.keyboard.press('ArrowDown');
    await tab.page.keyboard.press('2');
    await expect.poll(() => tab.source(tab.nth(2))).toBe('## words');
    await tab.page.keyboard.press('z');
    await expect.poll(() => tab.source(tab.nth(2))).toBe('words');
  });
});

describe('the editor', () => {
  it('shows help in the colours that the kernel gives it, and Escape closes help first', async () => {
    const tab = await w.python('');
    await tab.write(tab.nth(1), 'len');
    await tab.page.keyboard.press('Control+Enter');
    await tab.ended(tab.nth(1));
    await tab.page.keyboard.press('Enter');
    await tab.page.keyboard.press('ControlOrMeta+End');
    await tab.page.keyboard.press('Shift+Tab');
    const help = tab.page.locator('.cm-help');
    await help.filter({ hasText: 'Signature' }).waitFor();
    expect(await help.innerText()).not.toContain('[31m');
    await tab.page.keyboard.press('Escape');
    await help.waitFor({ state: 'detached' });
    await tab.page.locator('[data-cell="c1"].editing').waitFor();
    await tab.page.keyboard.press('Escape');
    await tab.page.locator('[data-cell="c1"].editing').waitFor({ state: 'detached' });
  });

  it('has line numbers before it is there, at the same place', async () => {
    const tab = await w.open('print one\n\nprint three');
    await tab.select(tab.nth(1));
    await tab.page.keyboard.press('Shift+L');
    const left = (of: string) => tab.nth(1).locator(of).first().evaluate((el) => {
      const text = document.createTreeWalker(el, NodeFilter.SHOW_TEXT).nextNode();
      const range = document.createRange();
      if (text) range.selectNodeContents(text);
      return { x: Math.round(range.getBoundingClientRect().x), bottom: Math.round(el.closest('.box')?.getBoundingClientRect().bottom ?? 0) };
    });
    const numbered = tab.nth(1).locator('.code-static.numbered');
    const still = (await numbered.count()) > 0 ? await left('.code-static [data-n]') : null;
    await tab.enter(tab.nth(1));
    await tab.nth(1).locator('.cm-lineNumbers').waitFor();
    const live = await left('.cm-line');
    await tab.page.reload();
    await tab.ready();
    await numbered.waitFor();
    const again = await left('.code-static [data-n]');
    for (const place of still ? [still, again] : [again]) {
      expect(Math.abs(place.x - live.x)).toBeLessThanOrEqual(1);
      expect(place.bottom).toBe(live.bottom);
    }
  });
});

it('a menu has the keyboard from when it opens until Escape, and gives it back', async () => {
  const tab = await w.open('a', 'b');
  const more = tab.nth(1).getByRole('button', { name: 'More for cell 1' });
  await tab.nth(1).hover();
  for (const menu of [more, tab.page.locator('.kernel-chip')]) {
    await menu.click();
    await tab.page.locator('[role^=menuitem]:focus').waitFor();
    await tab.page.keyboard.press('Escape');
    await tab.page.getByRole('menu').waitFor({ state: 'detached' });
    await menu.and(tab.page.locator(':focus')).waitFor();
  }
  await more.click();
  await tab.page.getByRole('menuitem', { name: 'Merge with the cell below' }).click();
  await tab.page.locator('[data-cell="c1"]:focus').waitFor();
});

it('text with tasks, tables, code and pictures has nothing serious for axe', async () => {
  const tab = await w.open({ source: '- [x] done\n- [ ] open\n\n| a | n |\n|---|--:|\n| x | 1 |\n\n<img src="x.png">\n\n```python\nx = 1\n```', type: 'markdown' });
  await tab.nth(1).locator('pre code .tok-number').waitFor();
  expect(await tab.nth(1).locator('td').last().evaluate((el) => getComputedStyle(el).textAlign)).toBe('right');
  expect(await seriousFor(tab.page)).toEqual([]);
});

it('a kernel that dies is told of once, and the way on gives the keyboard back to the cell', async () => {
  const tab = await w.python('import os\nos._exit(3)');
  await tab.run(tab.nth(1));
  await tab.ended(tab.nth(1), 'kernel_died');
  await tab.page.locator('.kernel-chip', { hasText: 'died' }).waitFor();
  expect((await tab.nth(1).locator('.outputs').innerText()).match(/exit code 3/g)).toHaveLength(1);
  await tab.nth(1).getByRole('button', { name: 'Start a new kernel' }).click();
  await tab.page.locator('[data-cell="c1"]:focus').waitFor();
  await tab.page.locator('.kernel-chip', { hasText: 'died' }).waitFor({ state: 'detached' });
});

describe('what is below a cell', () => {
  const topOf = (tab: Tab, id: string) => tab.cell(id).evaluate((el) => Math.round(el.getBoundingClientRect().top));

  it('stays where it is when the cell gets its number', async () => {
    const tab = await w.open('set a 1', 'print b');
    const before = await topOf(tab, 'c2');
    await tab.run(tab.nth(1));
    await tab.ended(tab.nth(1));
    await tab.nth(1).locator('.count', { hasText: '1' }).waitFor();
    expect(await topOf(tab, 'c2')).toBe(before);
  });

  it('stays where it is when the cell runs again and prints the same', async () => {
    const tab = await w.open('print one\nprint two\nprint three', 'print b');
    await tab.run(tab.nth(1));
    await tab.ended(tab.nth(1));
    const before = await topOf(tab, 'c2');
    await tab.page.evaluate(() => {
      const tops = new Set<number>();
      Reflect.set(window, 'tops', tops);
      const look = () => {
        tops.add(Math.round(document.querySelector('[data-cell="c2"]')?.getBoundingClientRect().top ?? 0));
        requestAnimationFrame(look);
      };
      look();
    });
    await tab.page.keyboard.press('ControlOrMeta+Enter');
    await tab.nth(1).locator('.count', { hasText: '2' }).waitFor();
    await tab.ended(tab.nth(1));
    expect(await tab.page.evaluate(() => [...Reflect.get(window, 'tops')])).toEqual([before]);
  });
});

it('a notebook is renamed where its name stands, while it runs', async () => {
  const tab = await w.open(lines(30, 'line', '100ms'));
  await tab.run(tab.nth(1));
  await tab.nth(1).locator('.outputs', { hasText: 'line 1' }).waitFor();
  await tab.page.getByRole('button', { name: w.name }).and(tab.page.locator('.crumb *')).click();
  const name = `renamed-${Date.now()}.ipynb`;
  await tab.page.keyboard.type(name.replace('.ipynb', ''));
  await tab.page.keyboard.press('Enter');
  await tab.page.waitForURL((url) => url.href.includes(name));
  await tab.page.locator('.crumb', { hasText: name }).waitFor();
  await tab.page.locator('[data-cell="c1"]:focus').waitFor();
  await tab.ended(tab.nth(1));
  expect([...(await tab.output(tab.nth(1))).matchAll(/line (\d+)/g)]).toHaveLength(30);
  await expect.poll(() => w.server.read(name), { timeout: 15_000 }).toContain('line 29');
});

it('a reload comes back to the cell where one was', async () => {
  const tab = await w.open(...[...Array(60).keys()].map((i) => `print ${i}`));
  await tab.nth(40).scrollIntoViewIfNeeded();
  await tab.select(tab.nth(40));
  await tab.page.locator('[data-cell="c40"].active').waitFor();
  await tab.page.reload();
  await tab.page.locator('[data-cell="c40"].active:focus').waitFor();
  expect(await tab.page.locator('.main').evaluate((el) => el.scrollTop)).toBeGreaterThan(500);
});
