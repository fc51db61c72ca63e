/** What a file of browser tests stands on: one server, one browser, and for each test one person with a new notebook. */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect } from 'vitest';
import { launch, person, Tab, troublesOf, type Person } from './browser';
import { Proxy } from './proxy';
import { Server, type Code, type KernelName } from './server';

const axeSource = createRequire(import.meta.url).resolve('axe-core/axe.min.js');

/** Sources of code, or cells. Their ids are c1, c2, ... unless they have others. */
type Cells = readonly (string | (Omit<Code, 'id'> & { readonly id?: string }))[];

/** To be made once, at the top of a file. */
export class World {
  server!: Server;
  browser!: Browser;
  context!: BrowserContext;
  /** The name of the newest notebook. */
  name = '';
  readonly #prefix: string;
  #made = 0;
  #troubles: readonly string[] = [];

  /** `before` gives what the server is started with, too. */
  constructor(prefix: string, before: () => Promise<readonly string[]> = async () => []) {
    this.#prefix = prefix;
    beforeAll(async () => {
      [this.server, this.browser] = await Promise.all([Server.start(await before()), launch()]);
    });
    afterAll(async () => {
      await this.browser?.close();
      await this.server?.stop();
    });
    beforeEach(() => this.begin());
    afterEach(() => this.end());
  }

  protected async begin(): Promise<void> {
    await this.as({});
  }

  protected async end(): Promise<void> {
    await this.context?.close();
    expect(this.#troubles).toEqual([]);
  }

  /** Begins as a person with such a browser. */
  async as(options: Person): Promise<void> {
    await this.context?.close();
    this.context = await person(this.browser, this.server, options);
    this.#troubles = troublesOf(this.context);
  }

  /** A new notebook on the scripted kernel, or another; its name. */
  async notebook(cells: Cells, kernel: KernelName = 'script'): Promise<string> {
    this.name = `${this.#prefix}-${++this.#made}.ipynb`;
    await this.server.notebook(this.name, cells.map((c, i) => ({ id: `c${i + 1}`, ...(typeof c === 'string' ? { source: c } : c) })), kernel);
    return this.name;
  }

  /** A tab on a new notebook on the scripted kernel. */
  async open(...cells: Cells): Promise<Tab> {
    return Tab.open(this.context, this.server.url(await this.notebook(cells)));
  }

  /** A tab on a new notebook on a real Python. */
  async python(...cells: Cells): Promise<Tab> {
    return Tab.open(this.context, this.server.url(await this.notebook(cells, 'python')));
  }
}

/** A world whose people reach the server over a proxy, a new one in each test. */
export class ProxiedWorld extends World {
  proxy!: Proxy;

  protected override async begin(): Promise<void> {
    this.proxy = await Proxy.before(this.server.origin);
    await this.as({ origin: this.proxy.origin });
  }

  protected override async end(): Promise<void> {
    await super.end().finally(() => this.proxy.close());
  }

  /** A page on a notebook; it may wait for its line. */
  async visit(name: string, query = ''): Promise<Page> {
    const page = await this.context.newPage();
    await page.goto(`${this.proxy.origin}/?notebook=${encodeURIComponent(name)}${query}`);
    await page.locator('[data-cell]').first().waitFor();
    return page;
  }
}

/** What axe finds serious on a page, when what moves or fades there has come to rest. */
export async function seriousFor(page: Page): Promise<string[]> {
  await page.evaluate(await readFile(axeSource, 'utf8'));
  return page.evaluate(async () => {
    const ending = document.getAnimations().filter((a) => a.effect?.getComputedTiming().endTime !== Infinity);
    await Promise.allSettled(ending.map((a) => a.finished));
    const result: { violations: { id: string; impact: string; nodes: { target: string[] }[] }[] } = await Reflect.get(window, 'axe').run(document, { iframes: false });
    return result.violations.filter((v) => v.impact === 'serious' || v.impact === 'critical').map((v) => `${v.id}: ${v.nodes.map((n) => n.target.join(' ')).join('; ')}`);
  });
}
