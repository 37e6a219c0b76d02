// The pictures of docs/console.md, made anew: node run.mjs screenshots --modules …
import {mkdirSync, readdirSync, statSync} from 'node:fs';
import {dirname, join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {launch, open, phone} from './chromium.mjs';
import {Installation} from './installation.mjs';

const mostBytes = 150 * 1024;
const folder = join(dirname(fileURLToPath(import.meta.url)), '../../../docs/images/console');
mkdirSync(folder, {recursive: true});

const installation = await Installation.start(process.env.ASSENT_BIN);
const browser = await launch();
const pause = seconds => new Promise(resolve => setTimeout(resolve, seconds * 1000));

async function shoot(page, name, height = 900) {
  await page.setViewportSize({width: page.viewportSize().width, height});
  await page.screenshot({path: join(folder, `${name}.png`)});
}

try {
  const overview = await open(browser, `${installation.url}/#/overview`);
  for (let i = 0; i < 60; ++i) {
    await installation.post(
      installation.transfer(10 + (i % 60), {
        app: i % 3 ? 'shop' : 'billing',
        order: `o-${7700 + i}`,
      }),
    );
    await pause(0.2);
  }
  await installation.post(installation.transfer(5000, {app: 'shop', order: 'o-7780'}));
  await shoot(overview, 'overview', 760);
  const list = await open(browser, `${installation.url}/#/transactions?q=app%3Dshop`);
  await pause(2);
  await shoot(list, 'transactions', 620);
  const {
    transactions: [{id: done}],
  } = await installation.get('/v1/transactions?state=committed&limit=1');

  // A part of it is prepared already.
  const external = await installation.post({
    mode: 'external',
    timeout_ms: 3_600_000,
    labels: {app: 'settlement'},
    branches: [{participant: 'bank_a'}, {participant: 'bank_b'}],
  });
  await installation.sql(
    'bank_a',
    `begin; update account set balance = balance where id = 90; ${external.branches[0].prepare.join('; ')}`,
  );
  const prepared = await open(browser, `${installation.url}/#/transactions/${external.id}`);
  await pause(12);
  await shoot(prepared, 'external', 900);
  await prepared.context().close();
  await fetch(`${installation.url}/v1/transactions/${external.id}/rollback`, {method: 'POST'});

  const doubtful = await installation.hang(1, {app: 'shop', order: 'o-7781'});
  await installation.wait(1, ['shop-api', 'shop-api', 'reports', 'shop-api']);
  const blocking = await open(browser, `${installation.url}/#/blocking`);
  const own = await open(browser, `${installation.consoleOf('bank_a')}/#/blocking`);
  const story = await open(browser, `${installation.url}/#/transactions/${doubtful}`);
  const finished = await open(browser, `${installation.url}/#/transactions/${done}`);
  await pause(20);
  await shoot(finished, 'committed', 740);
  await shoot(story, 'transaction', 900);
  await shoot(blocking, 'blocking', 900);
  await installation.sql(
    'bank_a',
    `begin; update account set balance = balance where id = 99; prepare transaction 'nightly-import'`,
  );
  const participants = await open(browser, `${installation.url}/#/participants`, {
    colorScheme: 'dark',
  });
  await pause(3);
  await shoot(participants, 'participants', 800);
  await installation.sql('bank_a', `rollback prepared 'nightly-import'`);
  await installation.control('kill', 'coordinator');
  await pause(42);
  await shoot(own, 'participant-alone', 900);
  await shoot(blocking, 'coordinator-lost', 520);
  const small = await open(browser, `${installation.consoleOf('bank_a')}/#/blocking`, {
    viewport: phone,
    colorScheme: 'dark',
  });
  await pause(2);
  await shoot(small, 'phone', 900);
} finally {
  await browser.close();
  await installation.stop();
}
for (const name of readdirSync(folder)) {
  const {size} = statSync(join(folder, name));
  console.log(`${name}: ${(size / 1024).toFixed(0)} KiB`);
  if (size > mostBytes) throw new Error(`${name} is too large: at most ${mostBytes / 1024} KiB`);
}
