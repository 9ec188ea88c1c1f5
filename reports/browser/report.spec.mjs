// What the scripts of the page add to what can be read without them: heat maps
// tell their figures, tables are sorted and filtered, print shows everything.
import assert from 'node:assert/strict';
import { shot, spec } from './page.mjs';

spec('a stretch of a heat map tells its figures', 'full', {}, async page => {
  const box = page.locator('details[open] .heats').first();
  const map = box.locator('svg.heat').first();
  await map.scrollIntoViewIfNeeded();
  const at = await map.locator('image').boundingBox();
  await page.mouse.move(at.x + at.width * .25, at.y + at.height * .1);
  await page.mouse.down();
  await page.mouse.move(at.x + at.width * .5, at.y + at.height * .6, { steps: 4 });
  await page.mouse.up();
  const said = await page.locator('.brush').filter({ hasText: 'spinning mean' }).textContent();
  assert.match(said, /^CPU 0 to \d, [\d.]+ to [\d.]+ s: spinning mean [\d.]+ %, \d+ to \d+ % \(\d+ cells\); busy mean [\d.]+ %/);
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('Shift+ArrowDown');
  const one = await page.locator('.brush').filter({ hasText: 'spinning mean' }).textContent();
  assert.notEqual(one, said);
  assert.match(one, /\(2 cells\)/);
  await shot(box, 'heat-brush');
});

spec('a table is filtered and sorted from the keyboard', 'full', {}, async page => {
  const rows = page.locator('#runs-table tbody tr:visible');
  const all = await rows.count();
  await page.getByRole('searchbox', { name: /^filter: Runs/ }).fill('shared n=8');
  assert.ok(all > 40 && await rows.count() === 4, `${await rows.count()} of ${all} rows`);
  const spin = page.locator('#runs-table th button', { hasText: 'spin' });
  await spin.focus();
  await page.keyboard.press('Enter');
  assert.equal(await page.locator('#runs-table th', { hasText: 'spin' }).getAttribute('aria-sort'), 'descending');
});

spec('a comparison says first what changed, what got worse and what weakens it', 'compare', { javaScriptEnabled: false }, async page => {
  const text = await page.locator('main').innerText();
  const order = ['Gets worse', 'shared N=8 packets/s', 'These weaken the comparison', 'What changed at each N?', 'Are the sides comparable?'].map(s => text.indexOf(s));
  assert.ok(order.every((at, i) => at >= 0 && (i === 0 || at > order[i - 1])), `order ${order}`);
  assert.ok(await page.locator('#chart-rate .static svg').isVisible());
  assert.equal(await page.locator('.star').count(), 0, 'a failed gate left a star');
  await shot(page, 'comparison-noscript');
});

spec('a comparison at 400 px, in the dark, without motion', 'compare', { width: 400, colorScheme: 'dark', reducedMotion: 'reduce' }, async page => {
  assert.equal(await page.evaluate(() => getComputedStyle(document.documentElement).scrollBehavior), 'auto');
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
  await shot(page, 'comparison-dark-400');
});

// Contrast of WCAG 2.1: 4.5 for text, of the colours that text has here.
for (const colorScheme of ['light', 'dark']) {
  spec(`text has contrast, ${colorScheme}`, 'compare', { colorScheme }, async page => {
    const weak = await page.evaluate(() => {
      const parse = c => (c.match(/[\d.]+/g) ?? []).map(Number);
      const light = ([r, g, b]) => [r, g, b].map(v => (v /= 255) <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4).reduce((s, v, i) => s + v * [.2126, .7152, .0722][i], 0);
      const paper = e => { for (; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor); if (c.length === 3 || c[3] > .99) return c; } return [255, 255, 255]; };
      const out = new Set();
      for (const e of document.querySelectorAll('p, td, th, dt, dd, li, h1, h2, h3, summary, small, a, .words')) {
        if (!e.innerText?.trim() || e.closest('svg')) continue;
        const [a, b] = [light(parse(getComputedStyle(e).color)), light(paper(e))].sort((x, y) => y - x);
        const ratio = (a + .05) / (b + .05);
        if (ratio < 4.5) out.add(`${e.tagName}.${e.className} ${ratio.toFixed(2)} "${e.innerText.slice(0, 30)}"`);
      }
      return [...out].slice(0, 10);
    });
    assert.deepEqual(weak, []);
  });
}

spec('what is seen has a name for a reader of screens', 'full', {}, async page => {
  const nameless = await page.evaluate(() => [...document.querySelectorAll('svg[role=img], input, button, [role=region], section.claims, nav')]
    .filter(e => !(e.getAttribute('aria-label') || e.textContent.trim() || e.closest('label')?.textContent.trim() || e.getAttribute('aria-labelledby')))
    .map(e => e.outerHTML.slice(0, 120)));
  assert.deepEqual(nameless, []);
});
