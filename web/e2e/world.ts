/** What a file of browser tests stands on: one server, one browser, and for each test one person with a new notebook. */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect } from 'vitest';
import { launch, person, Tab, troublesOf } from './browser';
import { Server, type Code } from './server';

const axeSource = createRequire(import.meta.url).resolve('axe-core/axe.min.js');

export interface World {
  server: Server;
  browser: Browser;
  context: BrowserContext;
  /** The name of the newest notebook. */
  name: string;
  /** A tab on a new notebook with these cells: sources of code, or cells. Their ids are c1, c2, ... */
  open(...cells: readonly (string | Omit<Code, 'id'>)[]): Promise<Tab>;
  /** Begins as a person with such a browser. */
  as(options: Parameters<typeof person>[2]): Promise<void>;
}

/** To be called once, at the top of a file. */
export function world(prefix: string): World {
  let troubles: readonly string[] = [];
  let made = 0;
  const w: Partial<World> & Pick<World, 'open' | 'as'> = {
    async open(...cells) {
      const { server, context } = w as World;
      w.name = await server.notebook(`${prefix}-${++made}.ipynb`, cells.map((c, i) => ({ id: `c${i + 1}`, ...(typeof c === 'string' ? { source: c } : c) })));
      return Tab.open(context, server.url(w.name));
    },
    async as(options) {
      const { server, browser } = w as World;
      await w.context?.close();
      w.context = await person(browser, server, options);
      troubles = troublesOf(w.context);
    },
  };
  beforeAll(async () => {
    [w.server, w.browser] = await Promise.all([Server.start(), launch()]);
  });
  afterAll(async () => {
    await w.browser?.close();
    await w.server?.stop();
  });
  beforeEach(() => w.as({}));
  afterEach(async () => {
    await w.context?.close();
    expect(troubles).toEqual([]);
  });
  return w as World;
}

/** What axe finds serious on a page. */
export async function seriousFor(page: Page): Promise<string[]> {
  await page.evaluate(await readFile(axeSource, 'utf8'));
  return page.evaluate(async () => {
    const result: { violations: { id: string; impact: string; nodes: { target: string[] }[] }[] } = await Reflect.get(window, 'axe').run(document, { iframes: false });
    return result.violations.filter((v) => v.impact === 'serious' || v.impact === 'critical').map((v) => `${v.id}: ${v.nodes.map((n) => n.target.join(' ')).join('; ')}`);
  });
}
