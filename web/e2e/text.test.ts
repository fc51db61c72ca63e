/** Text as it is drawn: formulas, and what people write between them. */
import { expect, it } from 'vitest';
import { seriousFor, World } from './world';

const w = new World('text');

const md = (source: string) => ({ source, type: 'markdown' as const });

it('formulas have their sizes and colours under a policy that lets no style in with HTML', async () => {
  const tab = await w.open(md('$\\rule{3em}{2em}$ $\\sqrt{x}$ $\\fcolorbox{red}{aqua}{y}$'), md('$$\\text{a style="top:9em" data-style="top:9em"} \\tag{1}$$'));
  const policy = (await w.context.request.get(w.server.url(w.name))).headers()['content-security-policy'] ?? '';
  expect(policy).toMatch(/style-src 'self' 'nonce-\w+';/);
  expect(policy).not.toContain('unsafe');
  const rule = await tab.nth(1).locator('.katex-rule').evaluate((el) => el.getBoundingClientRect().width / Number.parseFloat(getComputedStyle(el).fontSize));
  expect(rule).toBeCloseTo(3, 1);
  const aqua = () => tab.nth(1).locator('.katex-html *').evaluateAll((all) => all.filter((el) => getComputedStyle(el).backgroundColor === 'rgb(0, 255, 255)').length);
  expect(await aqua()).toBe(1);
  await tab.nth(2).locator('.katex-html', { hasText: 'a style="top:9em" data-style="top:9em"' }).waitFor();
  expect(await tab.page.locator('[data-style]').count()).toBe(0);
});

it('text of people has no styles of its own, and says what it says', async () => {
  const raw = '<p style="color:red" title="a style=b">red</p>\n<div STYLE=\'position:fixed\' data-style="color:red">fixed</div>\n<pre>&lt;p style="color:red"&gt;</pre>';
  const tab = await w.open(md(`${raw}\n\nin <b style=color:red>line</b> and <span data-style="color:red">data</span> \`<b style="x">\` $x^2$`));
  await tab.nth(1).locator('.katex').waitFor();
  expect(await tab.nth(1).locator('.md').evaluate((el) => [...el.querySelectorAll(':is([style], [data-style]):not(.katex *)')].map((e) => e.outerHTML))).toEqual([]);
  expect(await tab.nth(1).locator('p').first().getAttribute('title')).toBe('a style=b');
  expect(await tab.nth(1).locator('pre').innerText()).toBe('<p style="color:red">');
  expect(await tab.nth(1).locator('code').innerText()).toBe('<b style="x">');
});

it('footnotes are below the text, and each leads to the other', async () => {
  const text = 'A claim[^src] and more[^2], again[^src].\n\n[^2]: With $x^2$, a [link](https://example.org) and\n\n    ```python\n    x = 1\n    ```\n\n[^src]: From *somewhere* <b style="color:red" id="evil">bold</b>.\n';
  const tab = await w.open(md(`# Head[^src]\n\n${'text\n\n'.repeat(60)}${text}`), 'print other', md('Another[^1]\n\n[^1]: Its own.'));
  const notes = tab.nth(1).getByRole('region', { name: 'Footnotes' });
  await expect.poll(() => notes.locator('> ol > li').count()).toBe(2);
  const [first, second] = [notes.locator('> ol > li').nth(0), notes.locator('> ol > li').nth(1)];
  expect(await first.innerText()).toMatch(/^From somewhere bold\. ↩︎ ↩︎2 ↩︎3$/);
  expect(await first.locator('b').evaluate((el) => el.outerHTML)).toBe('<b>bold</b>');
  await second.locator('.katex').waitFor();
  await second.locator('.tok-number').waitFor();
  expect(await seriousFor(tab.page)).toEqual([]);
  const refs = tab.nth(1).getByRole('link', { name: 'Footnote 1', exact: true });
  expect(await refs.count()).toBe(3);
  await refs.first().click();
  await first.and(tab.page.locator(':focus')).waitFor();
  const seen = () => first.evaluate((el) => el.getBoundingClientRect().bottom <= innerHeight);
  await expect.poll(seen).toBe(true);
  await first.getByRole('link', { name: 'Back to the text, footnote 1', exact: true }).click();
  await refs.first().and(tab.page.locator(':focus')).waitFor();
  await expect.poll(() => tab.page.locator('.main').evaluate((el) => el.scrollTop)).toBeLessThan(200);
  await tab.nth(3).getByRole('link', { name: 'Footnote 1', exact: true }).click();
  await tab.nth(3).locator('li:focus', { hasText: 'Its own.' }).waitFor();
  await tab.page.getByRole('button', { name: 'Outline' }).click();
  await tab.page.locator('.panel .row', { hasText: /^Head$/ }).waitFor();
});

it('links and pictures whose address is badly written are shown all the same', async () => {
  const tab = await w.open(md('[to](#100%) **bold** ![x](attachment:100%.png)'));
  await tab.nth(1).locator('b, strong', { hasText: 'bold' }).waitFor();
  await tab.nth(1).getByRole('link', { name: 'to' }).click();
  expect(new URL(tab.page.url()).hash).toBe('');
});
