/** Text as it is drawn: formulas, and what people write between them. */
import { expect, it } from 'vitest';
import { World } from './world';

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
