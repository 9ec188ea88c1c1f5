// What holds for every page: it opens from a file without a request or an
// error, its policy is in force, it prints, and it fits its window.
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { shot, spec } from './page.mjs';

const names = readdirSync(process.env.XFRMSCOPE_PAGES).filter(f => f.endsWith('.html')).map(f => f.slice(0, -5));

for (const name of names) {
  for (const width of [1280, 400]) {
    spec(`${name}: opens at ${width} px`, name, { width }, async page => {
      assert.match(await page.title(), / - xfrmscope$/);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth);
      assert.ok(wide <= width, `the page is ${wide} px wide in a window of ${width}`);
      await shot(page, `${name}-${width}`);
    });
  }
}

spec('a script and a request that are not ours are refused', 'sweep', { dirty: true }, async page => {
  const refused = await page.evaluate(async () => {
    const seen = [];
    document.addEventListener('securitypolicyviolation', e => seen.push(e.effectiveDirective));
    const script = document.createElement('script');
    script.textContent = 'document.title = 1337';
    document.body.append(script);
    const image = document.createElement('img');
    image.src = 'https://example.com/x.png';
    await fetch('https://example.com/').catch(() => {});
    await new Promise(done => setTimeout(done, 100));
    return seen;
  });
  for (const directive of ['script-src-elem', 'img-src', 'connect-src']) assert.ok(refused.includes(directive), `${directive} is not refused: ${refused}`);
  assert.match(await page.title(), / - xfrmscope$/);
});

spec('prints to PDF', 'sweep', {}, async page => {
  const pdf = await page.pdf({ format: 'A4' });
  assert.ok(pdf.length > 20_000 && pdf.subarray(0, 5).toString() === '%PDF-', `${pdf.length} bytes`);
});

spec('reads in the dark', 'sweep', { colorScheme: 'dark' }, async page => {
  const [ink, paper] = await page.evaluate(() => [getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor]
    .map(c => c.match(/[\d.]+/g).slice(0, 3).reduce((sum, x) => sum + Number(x), 0)));
  assert.ok(ink - paper > 300, `ink ${ink}, paper ${paper}`);
  await shot(page, 'sweep-dark');
});
