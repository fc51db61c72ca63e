/** ipywidgets at the page: a real kernel, the real library in the sandboxed frame. */
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { FrameLocator, Locator } from 'playwright-core';
import { expect, it } from 'vitest';
import { Tab } from './browser';
import { World } from './world';

const w = new World('widgets');

const frame = (cell: Locator): FrameLocator => cell.frameLocator('iframe[title="Widget"]');
/** What the bar says, and how far it is. */
const bar = async (cell: Locator): Promise<string> => (await frame(cell).locator('.jupyter-widgets').first().innerText()).replace(/\s+/g, ' ');
const counted = async (cell: Locator): Promise<number> => Number(/(\d+)\/400/.exec(await bar(cell))?.[1] ?? -1);

/** A picture of the outputs, but for the round corners of their card: how those are drawn depends on what was drawn there before. */
async function looks(tab: Tab, cell: Locator): Promise<Buffer> {
  const box = await cell.locator('.outputs').boundingBox();
  if (!box) throw new Error('there are no outputs to be seen');
  return tab.page.screenshot({ clip: { x: box.x + 8, y: box.y, width: box.width - 16, height: box.height - 8 } });
}

it('a bar of tqdm moves, goes on after a reload and a killed server, and looks the same at the end', { timeout: 120_000 }, async () => {
  // It waits at 100 and at 250 until it is let go on; a second try waits anew.
  const tab = await w.python('from tqdm.notebook import tqdm\nimport os, time\nfor i in tqdm(range(400), desc="Reading", mininterval=0):\n    while i in (100, 250) and not os.path.exists(f"past-{i}"): time.sleep(0.05)\n    time.sleep(0.002)');
  const past = (i: number) => writeFile(join(w.server.folder, `past-${i}`), '');
  const cell = tab.nth(1);
  for (const i of [100, 250]) await rm(join(w.server.folder, `past-${i}`), { force: true });
  await tab.run(cell);
  await expect.poll(() => counted(cell), { timeout: 30_000 }).toBe(100);
  await tab.page.reload();
  await tab.ready();
  await expect.poll(() => counted(cell), { timeout: 30_000 }).toBe(100);
  await past(100);
  await expect.poll(() => counted(cell), { timeout: 30_000 }).toBe(250);
  await w.server.kill();
  await past(250);
  await w.server.up();
  await expect.poll(() => counted(cell), { timeout: 40_000 }).toBe(400);
  await tab.ended(cell);
  const style = () => frame(cell).locator('.progress-bar').getAttribute('class');
  await expect.poll(style).toContain('progress-bar-success');
  const [end, look, height] = [await bar(cell), await looks(tab, cell), await cell.locator('iframe').boundingBox()];
  expect(end).toMatch(/^Reading: 100% 400\/400 \[/);
  await tab.page.reload();
  await tab.ready();
  await expect.poll(() => bar(cell)).toBe(end);
  await expect.poll(style).toContain('progress-bar-success');
  expect((await cell.locator('iframe').boundingBox())?.height).toBe(height?.height);
  await expect.poll(async () => (await looks(tab, cell)).equals(look)).toBe(true);
});

it('a slider that is moved reaches the kernel and the other tab; a button, a text and interact work', { timeout: 120_000 }, async () => {
  const tab = await w.python(
    'import ipywidgets as w\ns = w.IntSlider(value=3, max=20, description="Weeks")\ns.observe(lambda c: print("now", c.new), "value")\nt = w.Text(description="Name")\nb = w.Button(description="Greet", icon="check")\nb.on_click(lambda _: print("hello", t.value))\nw.VBox([s, w.HBox([t, b])])',
    '@w.interact(x=(0, 9), kind=["plain", "square"])\ndef f(x=2, kind="plain"):\n    print(kind, x)\n    return x * x if kind == "square" else x',
  );
  const [one, two] = [tab.nth(1), tab.nth(2)];
  await tab.run(one);
  await tab.run(two);
  const other = await Tab.open(w.context, tab.page.url());
  const readout = (cell: Locator) => frame(cell).locator('.widget-readout').first();
  await expect.poll(() => readout(one).innerText(), { timeout: 30_000 }).toBe('3');
  await expect.poll(() => readout(other.nth(1)).innerText(), { timeout: 30_000 }).toBe('3');

  await frame(one).getByRole('slider').first().focus();
  for (let i = 0; i < 4; i++) await tab.page.keyboard.press('ArrowRight');
  await expect.poll(() => tab.output(one)).toContain('now 7\n');
  await expect.poll(() => readout(other.nth(1)).innerText()).toBe('7');
  expect(await readout(one).innerText()).toBe('7');

  await frame(other.nth(1)).getByLabel('Name').fill('Ada');
  await frame(other.nth(1)).getByRole('button', { name: 'Greet' }).click();
  await expect.poll(() => tab.output(one)).toContain('hello Ada\n');
  await expect.poll(() => frame(one).getByLabel('Name').inputValue()).toBe('Ada');

  const caught = (cell: Locator) => frame(cell).locator('.widget-output').innerText();
  await expect.poll(() => caught(two), { timeout: 30_000 }).toMatch(/^plain 2\s+2$/);
  await frame(two).getByLabel('kind').selectOption('square');
  await expect.poll(() => caught(two)).toMatch(/^square 2\s+4$/);
  await expect.poll(() => caught(other.nth(2))).toMatch(/^square 2\s+4$/);
  await tab.page.reload();
  await tab.ready();
  await expect.poll(() => caught(two), { timeout: 30_000 }).toMatch(/^square 2\s+4$/);
  await expect.poll(() => readout(one).innerText()).toBe('7');
});

it('shows its last look when its kernel is gone, also from the file, and says so where there is something to press', async () => {
  const tab = await w.python('import ipywidgets as w\nw.IntSlider(value=5)', 'w.IntProgress(value=70)');
  const [one, two] = [tab.nth(1), tab.nth(2)];
  await tab.run(one);
  await tab.run(two);
  await frame(two).locator('.progress-bar').waitFor();
  await tab.ended(two);
  await expect.poll(() => w.server.read(w.name), { timeout: 20_000 }).toContain('application/vnd.jupyter.widget-state+json');
  const copy = `copy-${w.name}`;
  await expect.poll(async () => (await w.server.read(w.name)).includes('IntProgressModel'), { timeout: 20_000 }).toBe(true);
  await writeFile(join(w.server.folder, copy), await w.server.read(w.name));
  const closed = await Tab.open(w.context, w.server.url(copy));
  await expect.poll(() => frame(closed.nth(1)).locator('body').innerText(), { timeout: 30_000 }).toMatch(/5\s+The kernel that made this widget is gone/);
  await frame(closed.nth(2)).locator('.progress-bar').waitFor();
  expect(await frame(closed.nth(2)).locator('body').innerText()).not.toContain('gone');
});
