// What the scripts of the page add to what can be read without them: heat maps
// tell their figures, tables are sorted and filtered, print shows everything.
import assert from 'node:assert/strict';
import { shot, spec } from './page.mjs';

spec('a stretch of a heat map tells its figures', 'full', {}, async page => {
  await page.click('nav a[href="#cpus"]');
  const box = page.locator('details[open] > .heats').first();
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
  await page.click('nav a[href="#runs"]');
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
  const order = ['Gets worse', 'shared N=8 packets/s', 'Caveats', 'What changed at each N?', 'Are the sides comparable?'].map(s => text.indexOf(s));
  assert.ok(order.every((at, i) => at >= 0 && (i === 0 || at > order[i - 1])), `order ${order}`);
  assert.ok(await page.locator('#chart-rate .static svg').isVisible());
  assert.equal(await page.locator('.star').count(), 0, 'a failed gate left a star');
  await shot(page, 'comparison-noscript');
});

// The first screen, of a window of 1280 x 720, has the answer and leads to the rest.
for (const name of ['sweep', 'full']) {
  spec(`${name}: the first screen answers`, name, { width: 1280, height: 720 }, async page => {
    const seen = await page.evaluate(() => {
      const box = e => e.getBoundingClientRect();
      return { saying: box(document.querySelector('.saying')).bottom, first: box(document.querySelector('.card svg')).top,
        cards: [...document.querySelectorAll('.card')].map(c => ({ top: box(c.querySelector('h2')).top, to: c.querySelector('h2 a').hash,
          body: box(c.querySelector('svg, tbody tr, p')).bottom })), height: document.documentElement.scrollHeight };
    });
    assert.ok(seen.saying < 200 && seen.first < 300, JSON.stringify(seen));
    assert.ok(seen.cards.length >= 4 && seen.cards.every(c => c.body <= 720), JSON.stringify(seen.cards));
    for (const c of seen.cards) assert.equal(await page.locator(c.to).count(), 1, `${c.to} leads nowhere`);
    assert.ok(seen.height <= 9000, `the page is ${seen.height} px long`);
    await shot(page, `${name}-first`);
  });
}

// An anchor lands on its heading, whatever was folded or is drawn late; only what
// stands above the page's end cannot reach the top.
for (const width of [390, 1280, 1440]) {
  spec(`anchors land on their headings at ${width} px`, 'full', { width }, async page => {
    for (const id of await page.evaluate(() => [...document.querySelectorAll('nav a')].map(a => a.hash.slice(1)))) {
      await page.evaluate(() => scrollTo(0, 0));
      await page.locator(`nav a[href="#${id}"]`).click();
      await page.waitForTimeout(250);
      const at = await page.evaluate(id => ({ top: document.getElementById(id).getBoundingClientRect().top,
        left: document.documentElement.scrollHeight - innerHeight - scrollY, open: document.getElementById(id).querySelector('details')?.open ?? true }), id);
      assert.ok(at.open, `${id} is still folded`);
      assert.ok(Math.abs(at.top) <= 24 || at.left < 2, `${id} is ${at.top} px from the top`);
    }
  });
}

spec('print unfolds the sections and folds them again', 'sweep', {}, async page => {
  const open = () => page.locator('#stages > details[open]').count();
  assert.equal(await open(), 0);
  await page.evaluate(() => dispatchEvent(new Event('beforeprint')));
  assert.equal(await open(), 1);
  await page.evaluate(() => dispatchEvent(new Event('afterprint')));
  assert.equal(await open(), 0);
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
