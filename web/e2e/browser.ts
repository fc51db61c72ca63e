/** Chromium, and a notebook's page as a person uses it. */
import { existsSync } from 'node:fs';
import { chromium, type Browser, type BrowserContext, type Locator, type Page } from 'playwright-core';
import type { Server } from './server';

const candidates = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome', '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome'];
const quiet = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];

export async function launch(): Promise<Browser> {
  const path = candidates.find((p) => p !== undefined && existsSync(p));
  if (path === undefined) throw new Error('Chromium is not there: install it (Debian: apt-get install chromium) or name it in CHROMIUM');
  return chromium.launch({ executablePath: path, args: quiet });
}

/** What a person comes with: a theme, a size of window, and the address at which they know the server. */
export interface Person {
  colorScheme?: 'light' | 'dark';
  viewport?: { width: number; height: number };
  origin?: string;
}

/** One person's browser: logged in. */
export async function person(browser: Browser, server: Server, { origin = server.origin, ...options }: Person = {}): Promise<BrowserContext> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  context.setDefaultTimeout(45_000);
  await context.request.get(`${origin}/?token=${server.token}`, { maxRedirects: 0 });
  return context;
}

/** What must not happen on any page of a browser, gathered from now on: an error that nobody caught, something against the page's policy. */
export function troublesOf(context: BrowserContext): readonly string[] {
  const troubles: string[] = [];
  context.on('weberror', (e) => troubles.push(e.error().message));
  context.on('console', (m) => {
    if (m.type() === 'error' && /content security policy/i.test(m.text())) troubles.push(m.text());
  });
  return troubles;
}

/** A tab on a notebook. */
export class Tab {
  readonly page: Page;

  private constructor(page: Page) {
    this.page = page;
  }

  static async open(context: BrowserContext, url: string): Promise<Tab> {
    const tab = new Tab(await context.newPage());
    await tab.page.goto(url);
    await tab.ready();
    return tab;
  }

  async ready(): Promise<void> {
    await this.page.locator('[data-cell]').first().waitFor();
    await this.page.locator('.line-chip', { hasText: 'Live' }).waitFor({ state: 'attached' });
  }

  cell(id: string): Locator {
    return this.page.locator(`[data-cell="${id}"]`);
  }

  /** By its place, from 1. */
  nth(place: number): Locator {
    return this.page.locator('[data-cell]').nth(place - 1);
  }

  async idOf(cell: Locator): Promise<string> {
    return (await cell.getAttribute('data-cell')) ?? '';
  }

  source(cell: Locator): Promise<string> {
    return cell.evaluate((el) => {
      const lines = [...el.querySelectorAll('.cm-line')];
      return lines.length > 0 ? lines.map((l) => l.textContent ?? '').join('\n') : (el.querySelector('.code-static')?.textContent ?? '').replaceAll('\u200b', '');
    });
  }

  output(cell: Locator): Promise<string> {
    return cell.evaluate((el) => [...el.querySelectorAll('.outputs .out-stream .out-text')].map((e) => e.textContent ?? '').join(''));
  }

  /** Goes into the cell, when its editor is there. */
  async enter(cell: Locator): Promise<void> {
    await cell.locator('.code').first().click();
    await cell.locator('.cm-content').waitFor();
  }

  /** Goes into the cell and makes its text this. */
  async write(cell: Locator, text: string): Promise<void> {
    await this.enter(cell);
    await this.page.keyboard.press('ControlOrMeta+a');
    await this.page.keyboard.press('Delete');
    await this.page.keyboard.insertText(text);
  }

  /** Makes it the active cell, in command mode. */
  async select(cell: Locator): Promise<void> {
    await cell.locator('.gutter').click({ position: { x: 4, y: 4 } });
  }

  async run(cell: Locator): Promise<void> {
    await this.select(cell);
    await this.page.keyboard.press('ControlOrMeta+Enter');
  }

  async ended(cell: Locator, status = 'ok', timeout = 45_000): Promise<void> {
    await this.page.waitForFunction(
      ([id, want]) => document.querySelector(`[data-cell="${id}"]`)?.classList.contains(`ended-${want}`),
      [await this.idOf(cell), status] as const,
      { timeout },
    );
  }
}
