/**
 * Promise 6 in the page: a cell prints 100-byte lines without end, and a person goes on writing. How fast that is, is measured by
 * `make bench-page`; here it has to work. RUNNEL_SOAK=1 makes it a minute.
 */
import type { CDPSession } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { World } from './world';

const seconds = process.env.RUNNEL_SOAK === '1' ? 60 : 5;
const endless = 'import itertools\nfor i in itertools.count():\n    print(f"{i:099d}")';

/** The caps that docs/guarantees.md names. */
const HEAP_MIB = 32;
const NODES = 10_000;

const w = new World('flood');

async function weigh(devtools: CDPSession): Promise<{ heap: number; nodes: number }> {
  await devtools.send('HeapProfiler.collectGarbage');
  const { metrics } = await devtools.send('Performance.getMetrics');
  const of = (name: string) => metrics.find((m) => m.name === name)?.value ?? Infinity;
  return { heap: of('JSHeapUsedSize') / 2 ** 20, nodes: of('Nodes') };
}

/** Numbered lines of a text, which must follow one another; the first and the last of them. */
function span(text: string): [first: number, last: number] {
  const lines = text.trim().split('\n').map(Number);
  const first = lines[0] ?? NaN;
  expect(lines.every((n, i) => n === first + i)).toBe(true);
  return [first, first + lines.length - 1];
}

describe('a flood', () => {
  it('leaves the page to the person: typing, another notebook, interrupt, memory, head and tail', async () => {
    const flood = await w.python({ id: 'flood', source: endless }, { id: 'text', source: '' });
    const { name } = w;
    const other = await w.open({ id: 'plain', source: 'result 42' });
    const devtools = await w.context.newCDPSession(flood.page);
    await devtools.send('Performance.enable');
    const output = flood.cell('flood').locator('.out-stream');

    await flood.page.bringToFront();
    await flood.run(flood.cell('flood'));
    await output.locator('.cut-mark').waitFor({ timeout: 60_000 });

    await flood.enter(flood.cell('text'));
    const end = Date.now() + seconds * 1000;
    let typed = '';
    for (let i = 0; Date.now() < end || i < 20; i++) {
      const letter = String.fromCharCode(97 + (i % 26));
      typed += letter;
      await flood.page.keyboard.press(letter);
      await expect.poll(() => flood.source(flood.cell('text')), { timeout: 20_000, interval: 20 }).toBe(typed);
      if (i % 20 !== 10) continue;
      const { heap, nodes } = await weigh(devtools);
      expect(heap).toBeLessThan(HEAP_MIB);
      expect(nodes).toBeLessThan(NODES);
    }

    await other.page.bringToFront();
    await other.run(other.cell('plain'));
    await other.cell('plain').locator('.outputs', { hasText: '42' }).waitFor({ timeout: 60_000 });

    await flood.page.bringToFront();
    const download = flood.page.waitForEvent('download');
    await output.getByRole('link', { name: /^Download all/ }).click();
    await (await download).cancel();
    expect(await flood.cell('flood').getAttribute('class')).toContain('is-running');
    await flood.page.getByRole('button', { name: 'Interrupt', exact: true }).click();
    await flood.ended(flood.cell('flood'), 'interrupted', 60_000);

    const blocks = () =>
      output.locator('.out-text').evaluate((el) => {
        const mark = [...el.children].findIndex((c) => c.classList.contains('cut-mark'));
        const text = (from: number, to: number) => [...el.children].slice(from, to).map((c) => c.textContent).join('');
        return { head: text(0, mark), tail: text(mark + 1, el.children.length) };
      });
    // The head may end and the tail begin inside a line, and interrupting may end the whole inside one.
    const wholeLines = (text: string) => text.split('\n').filter((line) => line.length === 99).join('\n');
    const [first] = span(wholeLines((await blocks()).head));
    expect(first).toBe(0);

    const link = output.getByRole('link', { name: /^Download all/ });
    const whole = await link.evaluate(async (a) => {
      const response = await fetch(a.getAttribute('href') ?? '');
      let text = '';
      const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
      let size = 0;
      for (let chunk = await reader?.read(); chunk && !chunk.done; chunk = await reader?.read()) {
        size += chunk.value.length;
        text = (text + chunk.value).slice(-1000);
      }
      return { size, end: text };
    });
    // The text is put on the screen a moment after the end of the run is.
    const lastShown = async () => span(wholeLines((await blocks()).tail))[1];
    await expect.poll(async () => whole.end.includes(String(await lastShown()).padStart(99, '0')), { timeout: 10_000 }).toBe(true);
    const last = await lastShown();
    expect(last).toBeGreaterThan(10_000);
    // An interrupt may fall between a line and its end.
    expect(whole.size).toBeGreaterThanOrEqual((last + 1) * 100 - 1);

    const { heap, nodes } = await weigh(devtools);
    expect(heap).toBeLessThan(HEAP_MIB);
    expect(nodes).toBeLessThan(NODES);
    await expect.poll(() => w.server.read(name), { timeout: 30_000 }).toContain(typed);
  }, 180_000 + seconds * 2000);

  it('of carriage returns stays one line', async () => {
    const fast = 'import time\nfor i in range(3000):\n    print(f"\\r{i:08d} {\'#\' * 40}", end="")\n    time.sleep(0.001)\nprint("\\r" + "the end".ljust(60), end="")';
    const tab = await w.python({ id: 'bar', source: fast });
    await tab.run(tab.cell('bar'));
    const shown = new Set<string>();
    await expect
      .poll(async () => {
        const text = await tab.output(tab.cell('bar'));
        shown.add(text);
        return text;
      }, { timeout: 60_000, interval: 30 })
      .toBe('the end'.padEnd(60));
    expect([...shown].filter((text) => !/^(\d{8} #{40}|the end *|)$/.test(text))).toEqual([]);
  });
});
