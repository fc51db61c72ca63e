import { chromium } from 'playwright-core';
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
const context = await browser.newContext({ viewport: { width: 1280, height: 2600 }, colorScheme: process.argv[2] });
const page = await context.newPage();
page.on('console', (m) => { if (m.type() === 'error') console.log('console', m.text().slice(0, 300)); });
await page.goto('http://127.0.0.1:18501/?notebook=ds.ipynb&token=abc0123456789abcdef0123456789');
await page.waitForTimeout(1500);
if (process.argv[3]) { await page.getByRole('button', { name: 'Run all' }).click(); await page.locator('[data-cell="c7"].ended-ok, [data-cell="c7"].ended-cancelled').waitFor({ timeout: 60000 }).catch((e) => console.log(String(e).slice(0, 200))); }
await page.waitForTimeout(3000);
await page.screenshot({ path: `/tmp/ds-${process.argv[2]}.png` });
await browser.close();
