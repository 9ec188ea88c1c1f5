// Opens report pages in Chromium for the specs beside this file. `go test
// -run TestBrowser ./reports` renders the pages and runs the specs; see
// ../browser_test.go for the names of the pages and how to add one.
import { chromium } from 'playwright-core';
import { after, test } from 'node:test';
import assert from 'node:assert/strict';
import { pathToFileURL } from 'node:url';
import { join } from 'node:path';

const { XFRMSCOPE_PAGES: pages, XFRMSCOPE_CHROMIUM: executablePath, XFRMSCOPE_SHOTS: shots } = process.env;
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'] });
after(() => browser.close());

// urlOf is the address of a page, with a fragment if given.
export const urlOf = (name, fragment = '') => pathToFileURL(join(pages, name + '.html')).href + fragment;

// shot keeps a picture of a page or a locator if XFRMSCOPE_SHOTS names a folder.
export const shot = async (what, name, options = {}) => {
  if (shots) await what.screenshot({ path: join(shots, name + '.png'), ...options });
};

// spec opens a page, runs body on it and fails if the page asked for anything
// but itself, wrote an error to the console or threw. Options: fragment, width,
// height, dirty (errors are expected), and what Playwright's
// newContext takes, such as colorScheme, reducedMotion or javaScriptEnabled.
export const spec = (title, name, { fragment = '', width = 1280, height = 800, dirty = false, ...context } = {}, body) =>
  test(title, { timeout: 120_000 }, async () => {
    const faults = [];
    const owner = await browser.newContext({ viewport: { width, height }, ...context });
    try {
      const page = await owner.newPage();
      page.setDefaultTimeout(30_000);
      page.on('request', r => r.url().split('#')[0] === urlOf(name) || r.url().startsWith('data:') || faults.push('request: ' + r.url().slice(0, 200)));
      page.on('console', m => ['error', 'warning'].includes(m.type()) && faults.push(m.type() + ': ' + m.text()));
      page.on('pageerror', e => faults.push('exception: ' + (e.stack ?? e)));
      await page.goto(urlOf(name, fragment));
      await body(page);
      if (!dirty) assert.deepEqual(faults, []);
    } finally {
      await owner.close();
    }
  });
