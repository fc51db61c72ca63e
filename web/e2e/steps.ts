/** What tests of the line do on a page, in words. Each waits for what it names. */
import type { Locator, Page } from 'playwright-core';

/** A script that prints numbered lines, with a pause after each. */
export const lines = (n: number, word: string, pause: string): string => [...Array(n).keys()].map((i) => `print ${word} ${i}; sleep ${pause}`).join('\n');

/** A cell that prints 60 lines in 6 s, and what it prints. */
export const loop = `${lines(60, 'line', '100ms')}\nprint the end`;
export const every = [...Array(60).keys()];

export const cell = (page: Page, id: string): Locator => page.locator(`[data-cell="${id}"]`);
export const says = (page: Page, id: string, text: string): Promise<void> => cell(page, id).locator('.outputs', { hasText: text }).waitFor();
export const line = (page: Page, words: string): Promise<void> => page.locator('.line-chip', { hasText: words }).waitFor();
export const printed = async (page: Page): Promise<number[]> => [...(await cell(page, 'loop').innerText()).matchAll(/^line (\d+)$/gm)].map((m) => Number(m[1]));

export async function run(page: Page, id: string): Promise<void> {
  await cell(page, id).click();
  await page.keyboard.press('Escape');
  await page.keyboard.press('Control+Enter');
}

/** Goes to the end of the cell's source and types. */
export async function append(page: Page, id: string, text: string): Promise<void> {
  await cell(page, id).locator('.cm-content, pre').first().click();
  await cell(page, id).locator('.cm-content').waitFor();
  await page.keyboard.press('Control+End');
  await page.keyboard.type(text);
}
