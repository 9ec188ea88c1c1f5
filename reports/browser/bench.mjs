// Times one picture in headless Chromium and prints a row for the table of
// `make bench-flame`: usage: bench.mjs page|svg FILE. Each figure is the median
// of several tries of what the reader does, from the event to the next frame.
import { chromium } from 'playwright-core';
import { pathToFileURL } from 'node:url';
import { statSync } from 'node:fs';

const [kind, file] = process.argv.slice(2);
const browser = await chromium.launch({ executablePath: process.env.XFRMSCOPE_CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu'] });
const median = list => list.sort((a, b) => a - b)[list.length >> 1];
const rounds = [];
for (let round = 0; round < 3; round++) {
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
  page.setDefaultTimeout(300_000);
  await page.goto(pathToFileURL(file).href);
  if (kind === 'page') await page.waitForSelector('#flame[data-ready=yes]', { state: 'attached' });
  rounds.push(await page.evaluate(async kind => {
    // What a click costs: the script, and with the frame that then is painted.
    const timed = async what => {
      const from = performance.now();
      what();
      const script = performance.now() - from;
      await new Promise(done => requestAnimationFrame(() => setTimeout(done)));
      return { script, frame: performance.now() - from };
    };
    const settled = () => new Promise(done => setTimeout(done, kind === 'page' ? 400 : 1500));
    const out = { zoom: [], search: [] };
    if (kind === 'page') {
      out.usable = performance.getEntriesByName('flame')[0].startTime;
      const canvas = document.getElementById('fl-canvas'), q = document.getElementById('fl-q');
      canvas.scrollIntoView();
      for (const [x, y] of [[0.3, 0.7], [0.6, 0.4], [0.5, 0.2]]) {
        await settled();
        const box = canvas.getBoundingClientRect();
        const at = { bubbles: true, clientX: box.left + box.width * x, clientY: box.top + box.height * y };
        out.zoom.push(await timed(() => canvas.dispatchEvent(new MouseEvent('click', at))));
        await settled();
        canvas.dispatchEvent(new KeyboardEvent('keydown', { key: 'Escape' }));
      }
      for (const word of ['xfrm', 'skb', 'lock']) {
        await settled();
        q.value = word;
        out.search.push(await timed(() => q.dispatchEvent(new InputEvent('input'))));
      }
      return out;
    }
    out.usable = performance.timing.loadEventEnd - performance.timing.navigationStart;
    await new Promise(done => requestAnimationFrame(() => setTimeout(done)));
    out.usable = Math.max(out.usable, performance.now());
    const frames = [...document.querySelectorAll('#frames > g')].filter(g => Number(g.querySelector('rect').getAttribute('width')) > 200);
    for (const g of [frames.at(-1), frames.at(-2), frames[frames.length >> 1]]) {
      out.zoom.push(await timed(() => zoom(g)));
      await settled();
      unzoom();
      await settled();
    }
    for (const word of ['xfrm', 'skb', 'lock']) {
      out.search.push(await timed(() => search(word)));
      await settled();
    }
    return out;
  }, kind));
  await page.close();
}
await browser.close();
const row = (what, of) => Math.round(median(rounds.flatMap(of)));
console.log(JSON.stringify({
  bytes: statSync(file).size, usable: row('usable', r => [r.usable]),
  zoom: row('zoom', r => r.zoom.map(z => z.script)), zoomFrame: row('zoom', r => r.zoom.map(z => z.frame)),
  search: row('search', r => r.search.map(z => z.script)), searchFrame: row('search', r => r.search.map(z => z.frame)),
}));
