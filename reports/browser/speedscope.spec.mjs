// speedscope's own importer reads our pprof profiles and folded stacks: it is
// started as its command line does, by a script beside the page.
import { chromium } from 'playwright-core';
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { tmpdir } from 'node:os';

const { XFRMSCOPE_FILES: files, XFRMSCOPE_CHROMIUM: executablePath } = process.env;
const release = join(dirname(fileURLToPath(import.meta.url)), 'node_modules/speedscope/dist/release');
const dir = mkdtempSync(join(tmpdir(), 'speedscope-'));
cpSync(release, dir, { recursive: true });
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--allow-file-access-from-files'] });
after(async () => { await browser.close(); rmSync(dir, { recursive: true }); });

for (const name of readdirSync(files).filter(f => f.endsWith('.pb.gz') || f.endsWith('.folded'))) {
  test(`speedscope reads ${name}`, { timeout: 120_000 }, async () => {
    const script = join(dir, name + '.js');
    writeFileSync(script, `speedscope.loadFileFromBase64(${JSON.stringify(name)}, ${JSON.stringify(readFileSync(join(files, name)).toString('base64'))})`);
    const page = await browser.newPage();
    const said = [];
    page.on('dialog', d => { said.push(d.message()); d.dismiss(); });
    page.on('pageerror', e => said.push(String(e)));
    await page.goto(pathToFileURL(join(dir, 'index.html')).href + '#localProfilePath=' + script);
    await page.waitForFunction(file => document.title.includes(file.split('.')[0]), name, { timeout: 60_000 }).catch(e => said.push(String(e)));
    assert.deepEqual(said, []);
    await page.close();
  });
}
