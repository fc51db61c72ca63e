/** The packages of the kernel's environment: a real one, with a folder for the only index there is. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Locator, Page } from 'playwright-core';
import { afterAll, describe, expect, it } from 'vitest';
import type { Tab } from './browser';
import { python } from './server';
import { seriousFor, World } from './world';

const run = promisify(execFile);

/** An environment with the packages of the tests' own; a wheel to install; a source whose building never ends. */
const make = `
import glob, io, os, subprocess, sys, tarfile, zipfile
root = sys.argv[1]
subprocess.run([sys.executable, "-m", "venv", "--without-pip", root + "/env"], check=True)
[own] = glob.glob(root + "/env/lib/python3*/site-packages")
[lent] = [p for p in sys.path if p.startswith(sys.prefix) and p.endswith("site-packages")]
open(own + "/lent.pth", "w").write(lent + "\\n")
os.mkdir(root + "/links")
with zipfile.ZipFile(root + "/links/tinybrook-1.5-py3-none-any.whl", "w") as z:
    z.writestr("tinybrook.py", "here = 'it is here'\\n")
    z.writestr("tinybrook-1.5.dist-info/METADATA", "Metadata-Version: 2.1\\nName: tinybrook\\nVersion: 1.5\\n")
    z.writestr("tinybrook-1.5.dist-info/WHEEL", "Wheel-Version: 1.0\\nGenerator: a test\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
    z.writestr("tinybrook-1.5.dist-info/RECORD", "")
with tarfile.open(root + "/links/slowbrook-1.0.tar.gz", "w:gz") as t:
    for name, text in [("pyproject.toml", "[build-system]\\nrequires = []\\nbuild-backend = 'slow'\\nbackend-path = ['.']\\n"), ("slow.py", "import time\\ntime.sleep(3600)\\n"), ("PKG-INFO", "Metadata-Version: 2.1\\nName: slowbrook\\nVersion: 1.0\\n")]:
        info = tarfile.TarInfo("slowbrook-1.0/" + name)
        info.size = len(text)
        t.addfile(info, io.BytesIO(text.encode()))
`;

let root = '';
const w = new World('packages', async () => {
  root = await mkdtemp(join(tmpdir(), 'runnel-packages-'));
  await writeFile(join(root, 'make.py'), make);
  await run(python, [join(root, 'make.py'), root]);
  process.env.PIP_NO_INDEX = '1';
  process.env.PIP_FIND_LINKS = join(root, 'links');
  return ['--python', join(root, 'env/bin/python')];
});
afterAll(() => rm(root, { recursive: true, force: true }));

const panel = (page: Page): Locator => page.getByRole('complementary', { name: 'Packages' });
const packages = (page: Page): Locator => panel(page).getByRole('list', { name: 'Packages' }).locator('.package');
const openPanel = (page: Page): Promise<void> => page.locator('.rail').getByRole('button', { name: 'Packages' }).click();

async function install(tab: Tab, what: string): Promise<void> {
  await panel(tab.page).getByLabel('Package to install').fill(what);
  await panel(tab.page).getByRole('button', { name: 'Install' }).click();
}

describe('packages', () => {
  it('lists what the environment has, and brings more', async () => {
    const tab = await w.python('import tinybrook\nprint(tinybrook.here)');
    const { page } = tab;
    await openPanel(page);
    await panel(page).getByRole('button', { name: 'Start the kernel' }).click();
    await packages(page).filter({ hasText: 'ipykernel' }).first().waitFor();
    await panel(page).getByLabel('Filter packages').fill('IPyKer');
    await expect.poll(() => packages(page).allInnerTexts()).toEqual([expect.stringMatching(/^ipykernel\n7\./)]);
    await tab.run(tab.nth(1));
    await tab.ended(tab.nth(1), 'error');
    await install(tab, '--pre tinybrook');
    await panel(page).getByText('Write the name of one package').waitFor();
    await install(tab, 'nobrook');
    await panel(page).getByText(`${join(root, 'env/bin/python')} -m pip install nobrook`).waitFor();
    await panel(page).getByLabel('Filter packages').fill('brook');
    await expect.poll(() => packages(page).count()).toBe(0);
    await install(tab, 'tinybrook >= 1.2');
    await panel(page).getByText('tinybrook >= 1.2 is installed').waitFor();
    await expect.poll(() => packages(page).allInnerTexts()).toEqual(['tinybrook\n1.5']);
    await tab.run(tab.nth(1));
    await tab.nth(1).locator('.outputs', { hasText: 'it is here' }).waitFor();
    await panel(page).getByRole('button', { name: 'Restart the kernel' }).click();
    await page.getByRole('dialog').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await panel(page).getByLabel('Filter packages').press('Escape');
    await panel(page).waitFor({ state: 'detached' });
    await page.locator('[data-cell="c1"]:focus').waitFor();
    await page.locator('.panel[aria-label=Files]').waitFor();
  });

  it('can be cancelled, and goes on while the panel is closed', async () => {
    const tab = await w.python('1');
    const { page } = tab;
    await openPanel(page);
    await panel(page).getByRole('button', { name: 'Start the kernel' }).click();
    await packages(page).first().waitFor();
    await install(tab, 'slowbrook');
    await panel(page).getByText(/^Processing .*slowbrook/).waitFor();
    await panel(page).getByLabel('Close packages').click();
    await openPanel(page);
    await panel(page).getByRole('button', { name: 'Cancel' }).click();
    await panel(page).getByText('Cancelled.').waitFor();
    // When the installer has ended, another may begin.
    await panel(page).getByLabel('Package to install').fill('tinybrook');
    const again = async () => {
      if (await panel(page).getByText('tinybrook is installed').isVisible()) return true;
      const button = panel(page).getByRole('button', { name: 'Install' });
      if (await button.isVisible()) await button.click();
      return false;
    };
    await expect.poll(again, { timeout: 45_000, interval: 2_000 }).toBe(true);
  });

  it('says that a kernel is not Python', async () => {
    const tab = await w.open('print x');
    await tab.run(tab.nth(1));
    await tab.ended(tab.nth(1));
    await openPanel(tab.page);
    await panel(tab.page).getByText('Script is not Python').waitFor();
  });

  it.each(['light', 'dark'] as const)('has nothing serious for axe in the %s theme, and fits on a phone', async (colorScheme) => {
    await w.as({ colorScheme, viewport: { width: 360, height: 740 } });
    const tab = await w.python('1');
    const { page } = tab;
    await tab.run(tab.nth(1));
    await tab.ended(tab.nth(1));
    await page.locator('.top-menu').click();
    await page.getByRole('button', { name: 'Packages', exact: true }).click();
    await packages(page).first().waitFor();
    await install(tab, 'nobrook');
    await panel(page).getByText('could not be installed').waitFor();
    expect(await seriousFor(page)).toEqual([]);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
  });
});
