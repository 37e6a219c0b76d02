// A browser: the distribution's, driven by playwright-core.
import {readFileSync} from 'node:fs';
import {createRequire} from 'node:module';
import {join} from 'node:path';

const modules = process.env.ASSENT_MODULES;
const {chromium} = createRequire(join(modules, 'x.js'))('playwright-core');
const axe = readFileSync(join(modules, 'axe-core/axe.min.js'), 'utf8');
const rules = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

export const laptop = {width: 1200, height: 800};
export const phone = {width: 390, height: 800};

export function launch() {
  return chromium.launch({
    executablePath: process.env.ASSENT_CHROMIUM ?? '/usr/bin/chromium',
    args: ['--disable-gpu', ...(process.getuid() === 0 ? ['--no-sandbox'] : [])], // root has no sandbox
  });
}

// A page of its own; what goes wrong in it is in `page.troubles`.
export async function open(
  browser,
  url,
  {viewport = laptop, colorScheme = 'light', inspected = false} = {},
) {
  // axe is put into the page, which the page's own policy forbids.
  const context = await browser.newContext({
    viewport,
    colorScheme,
    reducedMotion: 'reduce',
    bypassCSP: inspected,
  });
  const page = await context.newPage();
  page.troubles = [];
  const origin = new URL(url).origin;
  page.on('pageerror', error => page.troubles.push(`error: ${error.message}`));
  page.on(
    'request',
    request =>
      new URL(request.url()).origin === origin ||
      page.troubles.push(`asks elsewhere: ${request.url()}`),
  );
  page.on('console', message => {
    if (/Content Security Policy|Refused to/.test(message.text()))
      page.troubles.push(message.text());
  });
  await page.goto(url);
  await page.locator('.says').waitFor();
  return page;
}

export async function violations(page) {
  await page.evaluate(axe);
  const {violations: found} = await page.evaluate(
    tags => globalThis.axe.run({runOnly: tags}),
    rules,
  );
  return found.map(
    each =>
      `${each.id}: ${each.nodes.map(node => `${node.html.slice(0, 160)} ${node.any[0]?.message ?? ''}`).join('\n')}`,
  );
}
