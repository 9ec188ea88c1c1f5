// The flame graph: what a reader does with it, by pointer and by keyboard.
import assert from 'node:assert/strict';
import { shot, spec, urlOf } from './page.mjs';

const ready = async page => {
  await page.waitForSelector('#flame[data-ready=yes]');
  await page.locator('#flames').scrollIntoViewIfNeeded();
};
const text = async (page, id) => {
  await page.waitForSelector('#fl-table[aria-busy=false]'); // what comes after the picture
  return page.locator('#fl-' + id).textContent();
};
const choose = (page, label, set = 'form') => page.locator(`#fl-${set} label`, { hasText: new RegExp(`^${label}$`) }).click();
const press = async (page, ...keys) => {
  for (const key of keys) await page.keyboard.press(key);
};
// pixels counts the canvas's pixels that are near a colour.
const pixels = (page, [r, g, b]) => page.evaluate(([r, g, b]) => {
  const c = document.getElementById('fl-canvas'), data = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;
  let n = 0;
  for (let i = 0; i < data.length; i += 4) n += Math.abs(data[i] - r) + Math.abs(data[i + 1] - g) + Math.abs(data[i + 2] - b) < 30;
  return n;
}, [r, g, b]);

spec('opens with the run that spins most', 'sweep', {}, async page => {
  await ready(page);
  assert.match(await text(page, 'sum'), /^shared N=4, cpu-clock, all CPUs: 23.776 ± 235 ns\/packet that are not idle, 39.166 samples\./);
  assert.match(await page.locator('#fl-table tbody tr').first().textContent(), /^native_queued_spin_lock_slowpath/);
  assert.ok(await pixels(page, [213, 94, 0]) > 2000, 'the slow path is drawn');
  await shot(page.locator('#flames'), 'flame-cost');
});

spec('N, lock, callers, link and reload show the same view', 'sweep', {}, async page => {
  await ready(page);
  await choose(page, '2', 'n');
  assert.match(await text(page, 'sum'), /^shared N=2/);
  await page.locator('#fl-table button', { hasText: 'native_queued_spin_lock_slowpath' }).click();
  assert.match(await text(page, 'frame'), /native_queued_spin_lock_slowpath/);
  const sum = await text(page, 'sum'), table = await text(page, 'table');
  assert.match(table, /that call native_queued_spin_lock_slowpath or are called by it.*_raw_spin_lock_bhcaller/s);
  await shot(page.locator('#flames'), 'flame-callers');
  await text(page, 'say');
  const url = page.url();
  assert.match(url, /#flame\?.*n=2.*shape=both.*frame=native_queued_spin_lock_slowpath/);
  await page.reload();
  await ready(page);
  assert.equal(page.url(), url);
  assert.equal(await text(page, 'sum'), sum);
  assert.equal(await text(page, 'table'), table);
});

spec('a zoomed frame keeps its stack over N and over a reload', 'sweep', {}, async page => {
  await ready(page);
  await page.locator('#fl-canvas').focus();
  await press(page, ...Array(20).fill('ArrowUp'));
  const frame = await text(page, 'frame');
  assert.match(frame, /native_queued_spin_lock_slowpath.*stage: .*self/s);
  await press(page, 'Enter');
  await text(page, 'say');
  assert.match(page.url(), /path=%3A[0-9a-f]+%3Bxfrm_output_resume%3B_raw_spin_lock_bh%3Bnative_queued_spin_lock_slowpath/);
  await page.reload();
  await ready(page);
  assert.match(await text(page, 'frame'), /native_queued_spin_lock_slowpath.*13.174 ± 175/s);
  await choose(page, '2', 'n');
  assert.match(await text(page, 'frame'), /native_queued_spin_lock_slowpath/);
  await choose(page, '1', 'n'); // nothing spins there
  assert.match(await text(page, 'say'), /not in what is chosen/);
});

spec('keyboard alone: walk, zoom, out, search, and what is said', 'sweep', { reducedMotion: 'reduce' }, async page => {
  await ready(page);
  await page.locator('#fl-canvas').focus();
  assert.match(await text(page, 'say'), /^all: 23.776 ± 235 ns\/packet/);
  await press(page, 'ArrowUp', 'ArrowUp');
  assert.match(await text(page, 'say'), /^ret_from_fork: 23.776/);
  await press(page, ...Array(11).fill('ArrowUp'));
  const before = await text(page, 'say');
  await press(page, 'ArrowLeft');
  assert.notEqual(await text(page, 'say'), before);
  await press(page, 'ArrowRight');
  assert.equal(await text(page, 'say'), before);
  await press(page, 'Enter');
  assert.match(await text(page, 'say'), /^Zoomed\./);
  const name = before.split(':')[0];
  assert.match(await text(page, 'table'), new RegExp(`in ${name}`));
  await press(page, 'Backspace');
  assert.doesNotMatch(await text(page, 'table'), new RegExp(`in ${name};`));
  await press(page, 'Escape');
  assert.match(await text(page, 'table'), /in the whole graph/);
  await press(page, '/');
  await page.keyboard.type('spin_lock');
  assert.match(await text(page, 'found'), /^2 functions match: in 57\.64 ± 0\.49 % of all, 13.704 ± 179 ns\/packet, n = 22.574$/);
  assert.match(await text(page, 'table'), /, as searched/);
  assert.equal(await page.locator('#fl-table tbody tr').count(), 2);
  await shot(page.locator('#flames'), 'flame-search');
  await press(page, 'Escape');
  assert.equal(await page.evaluate(() => document.activeElement.id), 'fl-canvas');
  assert.equal(await text(page, 'found'), '');
  // The choices can be reached and changed by keys, too.
  await page.locator('#fl-colour :checked').focus();
  await press(page, 'ArrowRight');
  assert.match(await text(page, 'sum'), /Against shared N=4/);
  assert.equal(await page.evaluate(() => document.activeElement.value), 'diff');
});

spec('difference of two modes: from the one it opens with to the other, by sign', 'sweep', {}, async page => {
  await ready(page);
  await choose(page, 'Difference');
  assert.match(await text(page, 'sum'), /^pcpu N=4.*Against shared N=4: 23.776 ± 235.*beyond 95 % sampling error/);
  assert.ok(await pixels(page, [0, 114, 178]) > 2000, 'what is gone is blue');
  assert.match(await text(page, 'legend'), /gone.*0.*new.*cheaper in pcpu N=4 than in shared N=4.*5000 ns\/packet/);
  await shot(page.locator('#flames'), 'flame-diff');
  assert.match(await page.locator('#fl-table tbody tr').first().textContent(), /^native_queued_spin_lock_slowpath.*−13.\d+ ± \d+ \*$/);
  await choose(page, '2', 'n');
  assert.match(await text(page, 'sum'), /^pcpu N=2.*Against shared N=2/);
  await choose(page, 'shared'); // the other way round
  assert.match(await text(page, 'sum'), /^shared N=2.*Against pcpu N=2/);
});

spec('before and after a patch: what went, what came, what moved', 'patch', {}, async page => {
  await ready(page);
  assert.match(await text(page, 'sum'), /^after shared N=4.*Against before shared N=4: /);
  assert.ok(await pixels(page, [0, 114, 178]) > 500, 'what is gone or cheaper is blue');
  await shot(page.locator('#flames'), 'flame-patch');
  await page.locator('#fl-q').fill('xfrm_replay');
  const table = await text(page, 'table');
  assert.match(table, /xfrm_replay_overflow0/);
  assert.match(table, /xfrm_replay_recheck3/);
  await choose(page, 'after shared N=4', 'width');
  await page.locator('#fl-q').fill('');
  await text(page, 'sum');
  await shot(page.locator('#flames'), 'flame-patch-after');
});

spec('a comparison over runs: coloured is what holds', 'repeats', {}, async page => {
  await ready(page);
  assert.match(await text(page, 'sum'), /^after shared N=2.*mean of 7 runs.*Coloured where a function in it changed over the runs: of \d+ tested [1-9]\d* hold\./);
  await page.locator('#fl-canvas').focus();
  assert.match(await text(page, 'frame'), /change.*holds over the runs/);
  assert.match(await page.locator('#fl-table tbody tr', { hasText: 'native_queued' }).textContent(), / \*$/);
  await shot(page.locator('#flames'), 'flame-repeats');
});

spec('a failed gate takes the colour, and says so', 'compare', {}, async page => {
  await ready(page);
  assert.match(await text(page, 'sum'), /Coloured where a function in it changed over the runs: of \d+ tested 0 hold, and failed gates took back the significance of \d+\./);
  assert.equal(await pixels(page, [0, 114, 178]), 0);
});

spec('growth with N: the lock lights up without a before', 'sweep', {}, async page => {
  await ready(page);
  await choose(page, 'Growth with N');
  await page.locator('#fl-canvas').focus();
  await press(page, ...Array(20).fill('ArrowUp'));
  assert.ok(await pixels(page, [230, 120, 0]) > 2000, 'what grows is orange');
  assert.match(await text(page, 'frame'), /native_queued_spin_lock_slowpath.*N=10 .*N=2\d.*N=413.174.*exponent[1-9]/s);
  await shot(page.locator('#flames'), 'flame-growth');
});

spec('from the leaf: the heaviest function stands at the left', 'sweep', {}, async page => {
  await ready(page);
  await choose(page, 'From the leaf');
  await page.locator('#fl-canvas').focus();
  await press(page, 'ArrowDown');
  assert.match(await text(page, 'say'), /^native_queued_spin_lock_slowpath: 13.174/);
  await press(page, 'ArrowDown');
  assert.match(await text(page, 'say'), /^_raw_spin_lock_bh: 13.174/);
  await shot(page.locator('#flames'), 'flame-leaf');
});

spec('one CPU alone', 'sweep', {}, async page => {
  await ready(page);
  await choose(page, 'pcpu');
  await choose(page, '2', 'cpu');
  assert.match(await text(page, 'sum'), /^pcpu N=4, cpu-clock, CPU 2: .* ns\/packet/);
  await choose(page, 'shared');
  assert.match(await text(page, 'sum'), /No cost per packet: the packets of single CPUs were not counted/);
});

spec('a function in another table leads to its callers', 'sweep', {}, async page => {
  await ready(page);
  await page.click('nav a[href="#functions"]');
  await page.locator('main section:not(#flames) td a:visible', { hasText: 'xfrm_state_find' }).first().click();
  await page.waitForFunction(() => document.querySelector('#fl-table').textContent.includes('xfrm_state_find or are called')); // the address changes first
  assert.match(await text(page, 'table'), /that call xfrm_state_find or are called by it/);
  assert.match(await text(page, 'frame'), /xfrm_state_find.*ns\/packet/s);
});

spec('a pointer gets a tip and zooms', 'sweep', {}, async page => {
  await ready(page);
  const box = await page.locator('#fl-canvas').boundingBox();
  await page.mouse.move(box.x + box.width / 2, box.y + box.height - 40);
  assert.match(await text(page, 'tip'), /ns\/packet/);
  const pane = await page.locator('#fl-pane').boundingBox(), tip = await page.locator('#fl-tip').boundingBox();
  assert.ok(tip.y >= pane.y + pane.height, 'the tip covers nothing of the graph');
  await page.mouse.click(box.x + box.width / 2, box.y + box.height - 40);
  assert.match(await text(page, 'frame'), /Whole graph/);
});

for (const scheme of ['dark', 'light']) {
  spec(`narrow and ${scheme}`, 'sweep', { width: 400, colorScheme: scheme, fragment: '#flame?colour=diff&mode=shared&n=4' }, async page => {
    await ready(page);
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
    await shot(page.locator('#flames'), `flame-400-${scheme}`);
  });
}

spec('dark', 'sweep', { colorScheme: 'dark' }, async page => {
  await ready(page);
  await shot(page.locator('#flames'), 'flame-dark');
});

spec('hostile names are text', 'hostile', {}, async page => {
  const title = await page.title();
  await ready(page);
  for (const view of ['From the leaf', 'Difference', 'Growth with N']) await choose(page, view);
  await page.locator('#fl-q').fill('<img src=x onerror=document.title=7>');
  await page.locator('#fl-table button').first().click();
  await page.locator('#fl-table button').nth(2).click();
  await page.reload();
  await ready(page);
  assert.equal(await page.title(), title);
  assert.equal(await page.locator('#flames img, #flames script').count(), 0);
  await shot(page.locator('#flames'), 'flame-hostile');
});

spec('damaged data say so and show the static pictures', 'damaged', {}, async page => {
  await page.waitForSelector('#flame[data-ready=no]', { state: 'attached' });
  assert.match(await page.locator('#flames [role=alert]').textContent(), /^The flame graph cannot be drawn: .*make the report again/);
  assert.ok(await page.locator('#flames svg.flame').count() > 0);
});

spec('without scripts the static pictures are there', 'sweep', { javaScriptEnabled: false }, async page => {
  assert.ok(await page.locator('svg.flame').count() > 1);
  assert.ok(await page.locator('#flame').isHidden());
});

spec('an address of another report shows what there is', 'one', { fragment: '#flame?event=cycles&mode=none&n=9&cpu=7&shape=both&frame=nothing&colour=grow&vs=a/b/c&path=x;y%E0%A4%A&q=%E0' }, async page => {
  await ready(page);
  assert.match(await text(page, 'sum'), /^shared N=4/);
});

spec('every sample idle', 'empty', {}, async page => {
  if (await page.locator('#flame').count()) await ready(page);
  assert.match(await page.locator('#flames').textContent(), /no samples|not measured|nothing to draw/);
});

for (const name of ['256-CPUs', '64-runs']) {
  spec(`${name}: can be chosen from`, name, {}, async page => {
    await ready(page);
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
    await shot(page.locator('#flames'), `flame-${name}`);
  });
}

spec('what a simulated machine counted has no error of sampling', 'counted', {}, async page => {
  await ready(page);
  const sum = await text(page, 'sum');
  assert.match(sum, /, counted\. /);
  assert.doesNotMatch(sum, /±|samples/);
  assert.doesNotMatch(await page.locator('#fl-table').textContent(), /±/);
});
