// The flame graph: what a reader does with it, by pointer and by keyboard.
import assert from 'node:assert/strict';
import { shot, spec } from './page.mjs';

const ready = page => page.waitForSelector('#flame[data-ready=yes]');
const text = (page, id) => page.locator('#fl-' + id).textContent();

spec('opens with the run that spins most', 'sweep', {}, async page => {
  await ready(page);
  await page.locator('#flames').scrollIntoViewIfNeeded();
  assert.match(await text(page, 'sum'), /^shared N=4, cpu-clock, all CPUs: 23.776 ± \d+ ns\/packet that are not idle, [\d\u2009]+ samples\./);
  await shot(page.locator('#flames'), 'flame-cost');
});
