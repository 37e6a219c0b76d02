// The console in a browser, over a real installation: each page with real data, the coordinator
// killed while pages are open, keyboard alone, both themes.
import assert from 'node:assert/strict';
import http from 'node:http';
import {after, before, test} from 'node:test';
import {laptop, launch, open, phone, violations} from './chromium.mjs';
import {Installation, until} from './installation.mjs';

const firstLoad = 150 * 1024;
const patience = 20_000;

let installation, browser, doubtful;

before(async () => {
  installation = await Installation.start(process.env.ASSENT_BIN);
  browser = await launch();
});
after(async () => {
  await browser?.close();
  await installation?.stop();
});

// Each page, with what it shows while something is in doubt.
const pages = () => [
  ['Overview', '#/overview', '.series svg'],
  ['Blocking', '#/blocking', '[role=treegrid] tr[aria-level="2"]'],
  ['Transactions', '#/transactions', 'main tbody tr'],
  ['Participants', '#/participants', 'main caption'],
  ['Transaction', `#/transactions/${doubtful}`, '[role=treegrid] tr[aria-level="2"]'],
];
const origins = () => [installation.url, installation.consoleOf('bank_a')];

async function visit(hash, options = {}, url = installation.url) {
  return open(browser, `${url}/${hash}`, options);
}

async function close(page) {
  assert.deepEqual(page.troubles, []);
  await page.context().close();
}

const says = page => page.locator('.says').innerText();

async function waitToSay(page, pattern, limit = patience) {
  let last = '';
  await until(
    `the sentence ${pattern}`,
    async () => pattern.test((last = await says(page))),
    limit,
  ).catch(error => assert.fail(`${error.message}; it said: ${last}`));
}

function raw(url, encoding) {
  return new Promise((resolve, reject) =>
    http
      .get(url, {headers: {'Accept-Encoding': encoding}}, response => {
        const parts = [];
        response.on('data', part => parts.push(part));
        response.on('end', () =>
          resolve({
            headers: response.headers,
            status: response.statusCode,
            body: Buffer.concat(parts),
          }),
        );
      })
      .on('error', reject),
  );
}

test('each daemon serves it, packed, small and under its policy', async () => {
  for (const origin of origins()) {
    let size = 0;
    for (const path of ['/', '/console/app.js', '/console/app.css', '/console/icon.svg']) {
      const {status, headers, body} = await raw(origin + path, 'gzip');
      assert.equal(status, 200, path);
      assert.equal(headers['content-encoding'], 'gzip', path);
      assert.match(headers['content-security-policy'], /^default-src 'self';/);
      size += body.length;
    }
    console.log(`first load from ${origin}: ${(size / 1024).toFixed(1)} KiB`);
    assert.ok(size < firstLoad);
  }
});

test('at rest it says so, and an empty list says what to do', async () => {
  const found = [];
  for (const origin of origins()) {
    const page = await visit('#/blocking', {inspected: true}, origin);
    await waitToSay(page, /[Nn]othing is in doubt and no session waits/);
    await page.getByText('Nothing holds anybody up').waitFor();
    found.push(...(await violations(page)));
    await close(page);
  }
  const page = await visit('#/transactions', {inspected: true, colorScheme: 'dark'});
  await page.getByText('No transaction yet').waitFor();
  found.push(...(await violations(page)));
  await close(page);
  assert.deepEqual(found, []);
});

test('the list: live, filtered by text that stays in the URL', async () => {
  const page = await visit('#/transactions');
  await page.getByText('No transaction yet').waitFor();
  for (let i = 0; i < 12; ++i)
    await installation.post(installation.transfer(10 + i, {app: i % 3 ? 'shop' : 'billing'}));
  await installation.post(installation.transfer(5000, {app: 'shop'})); // there is no such account
  const rows = page.locator('main tbody tr');
  await until('all are listed without asking again', async () => (await rows.count()) === 13);
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  const first = page.locator('main tbody tr').first();
  await first.getByRole('button', {name: /Copy id/}).click();
  await first.getByRole('button', {name: /copied/}).waitFor();
  const id = await first.locator('a').getAttribute('title');
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), id);
  await page.fill('#filter', 'app=billing');
  await until('the filter works', async () => (await rows.count()) === 4);
  assert.match(page.url(), /q=app%3Dbilling$/);
  await page.reload();
  await until('the filter is still there', async () => (await rows.count()) === 4);
  await page.fill('#filter', 'state:aborted');
  await until('the server filters', async () => (await rows.count()) === 1);
  assert.match(await rows.first().innerText(), /expectation-failed/);
  assert.match(await page.locator('.command').innerText(), /assent list --state aborted/);
  await page.fill('#filter', 'stat:aborted');
  assert.match(await page.locator('.problem').innerText(), /stat: is unknown/);
  await close(page);
});

test('a finished transaction: hatched until the diamond, and its events in a table', async () => {
  const {
    transactions: [{id}],
  } = await installation.get('/v1/transactions?state=committed&limit=1');
  const page = await visit(`#/transactions/${id}`);
  await page.locator('.mark.decision').waitFor();
  assert.equal(await page.locator('.lane.participant .stretch.bound').count(), 2);
  assert.equal(await page.locator('.lane.participant .mark.yes').count(), 2);
  assert.equal(await page.locator('.lane.participant .mark.end').count(), 2);
  assert.equal(await page.getByRole('heading', {name: 'What each may do alone'}).count(), 0);
  const {events} = await installation.get(`/v1/transactions/${id}/events`);
  assert.equal(
    await page.getByRole('region', {name: 'Timeline'}).locator('tbody tr').count(),
    events.length,
  );
  await close(page);
  const none = await visit('#/transactions/01a1febb-352b-74ef-aba4-000000000000');
  await none.getByText('No transaction of this id', {exact: true}).waitFor();
  await close(none);
});

test('an external transaction says what the application prepares', async () => {
  const begun = await installation.post({
    mode: 'external',
    labels: {app: 'settlement'},
    branches: [{participant: 'bank_a'}, {participant: 'bank_b'}],
  });
  const found = [];
  for (const [colorScheme, viewport] of [
    ['light', laptop],
    ['dark', phone],
  ]) {
    const page = await visit(`#/transactions/${begun.id}`, {
      colorScheme,
      viewport,
      inspected: true,
    });
    await page.getByText('external: the application works and prepares').waitFor();
    await page.getByText(/what is undecided then is aborted/).waitFor();
    const rows = page.getByRole('region', {name: 'What the application prepares'}).locator('tr');
    assert.equal(await rows.count(), 3);
    for (const {gid, prepare} of begun.branches)
      for (const text of [gid, ...prepare])
        assert.ok(await rows.filter({hasText: text}).count(), text);
    found.push(...(await violations(page)));
    const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    if (over > 0) found.push(`it is ${over} pixels wider than the screen`);
    if (viewport === laptop) {
      await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
      await page.getByRole('button', {name: 'Copy what runs at bank_a'}).click();
      assert.equal(
        await page.evaluate(() => navigator.clipboard.readText()),
        begun.branches[0].prepare.map(sql => `${sql};\n`).join(''),
      );
    }
    await close(page);
  }
  assert.deepEqual(found, []);
  const list = await visit('#/transactions?q=mode%3Aexternal');
  await list.locator('main tbody tr').filter({hasText: 'external'}).waitFor();
  await close(list);
  await fetch(`${installation.url}/v1/transactions/${begun.id}/rollback`, {method: 'POST'});
});

test('blocking: the picture and the tree name the same sessions', async () => {
  doubtful = await installation.hang(1, {order: 'o-7781'});
  await installation.wait(1, ['shop-api', 'shop-api', 'shop-api', 'reports']);
  for (const origin of origins()) {
    const page = await visit('#/blocking', {}, origin);
    await waitToSay(page, /1 transaction in doubt holds 4 sessions in 1 database/);
    const waiting = page.locator('.node.waiter');
    await until(
      'all are drawn',
      async () => (await waiting.filter({hasText: /shop-api|reports/}).count()) === 4,
    );
    assert.equal(
      await page
        .locator('.node.hold')
        .filter({hasText: 'bank_a: row id=1 of public.account'})
        .count(),
      1,
    );
    const {databases} = await installation.get('/v1/blocking', origin);
    const listed = databases.flatMap(each => each.roots.flatMap(root => [root, ...root.waiters]));
    assert.equal(await page.getByRole('treegrid').locator('tbody tr').count(), listed.length);
    for (const {pid} of listed)
      if (pid) assert.ok(await page.getByRole('treegrid').getByText(String(pid)).count());
    await close(page);
  }
});

test('who holds up its vote in another database is linked to it', async () => {
  const page = await visit('#/blocking');
  await page.getByRole('img', {name: /^batch-report \d+ holds up /}).waitFor();
  const work = page.locator('main svg a', {hasText: /^work of/}).first();
  assert.equal(await work.getAttribute('href'), `#/transactions/${doubtful}`);
  await page
    .getByText(/Its work at bank_b waits for row id = 1 of public.account, behind pid/)
    .waitFor();
  await work.focus();
  await page.keyboard.press('Enter');
  const held = page.getByRole('region', {name: 'What holds it up'});
  assert.match(await held.innerText(), /bank_b.*row id=1 of public.account.*batch-report/s);
  assert.equal(await page.locator('.lane.held_up').count(), 1);
  await close(page);
  const there = await visit(`#/transactions/${doubtful}`, {}, installation.consoleOf('bank_b'));
  await there.getByRole('region', {name: 'What holds it up'}).waitFor();
  await close(there);
  const alone = await visit('#/blocking', {}, installation.consoleOf('bank_a'));
  await alone.locator('.node.transaction').waitFor();
  assert.equal(await alone.locator('.link-line').count(), 0);
  await close(alone);
});

test('the transaction in doubt: who may do what alone, and who waits under its locks', async () => {
  const page = await visit(`#/transactions/${doubtful}`);
  await page.locator('.lane.waiter').nth(3).waitFor();
  assert.equal(await page.locator('.stretch.bound').count(), 1 + 1); // one in the legend
  const alone = await page.getByRole('region', {name: 'What each may do alone'}).innerText();
  assert.match(alone, /bank_a\s+may do nothing: it voted yes/);
  assert.match(alone, /bank_b\s+may still abort/);
  assert.match(alone, /coordinator\s+may still abort/);
  await close(page);
});

test('where access is controlled it asks for a token, and shows it to this server alone', async () => {
  const page = await visit('#/blocking', {inspected: true});
  const shown = [];
  await page.route('**/v1/**', route => {
    const token = route.request().headers().authorization;
    shown.push([new URL(route.request().url()).pathname, token]);
    if (token === 'Bearer good') return route.continue();
    return route.fulfill({status: 401, json: {detail: 'Show a token, says the test.'}});
  });
  await page.reload();
  const field = page.getByLabel('Token of a viewer or an operator');
  await field.waitFor();
  await waitToSay(page, /to those who show a token/);
  assert.deepEqual(await violations(page), []);
  await page.getByText('Show a token, says the test.').waitFor();
  await field.fill('bad');
  await page.keyboard.press('Enter');
  await until('it was shown', () => shown.some(([, token]) => token === 'Bearer bad'));
  await field.waitFor();
  await field.fill('good');
  await page.keyboard.press('Enter');
  await waitToSay(page, /in doubt/);
  await until('also to what is followed', () =>
    shown.some(([path, token]) => path === '/v1/blocking' && token === 'Bearer good'),
  );
  assert.deepEqual(
    await page.evaluate(() => [
      Object.values(sessionStorage).includes('good'),
      JSON.stringify(localStorage).includes('good'),
      document.cookie,
    ]),
    [true, false, ''],
  );
  await page.getByRole('button', {name: 'Forget the token'}).click();
  await field.waitFor();
  assert.equal(await page.evaluate(() => sessionStorage.length), 0);
  await close(page);
});

test('what blocks comes as it happens, without being asked for again', async () => {
  for (const origin of origins()) {
    const accepted = [];
    const page = await visit('#/overview', {}, origin);
    page.on('request', request => {
      if (new URL(request.url()).pathname === '/v1/blocking')
        accepted.push(request.headers().accept);
    });
    await page.reload();
    await waitToSay(page, /in doubt/);
    assert.ok(accepted.length > 0);
    assert.ok(accepted.every(each => each === 'text/event-stream'));
    await close(page);
  }
});

test('participants: what is prepared, foreign ones too', async () => {
  await installation.sql(
    'bank_a',
    `begin; update account set balance = balance where id = 99; prepare transaction 'theirs'`,
  );
  const page = await visit('#/participants');
  const section = page.getByRole('region', {name: 'Prepared in bank_a'});
  await section.getByText('theirs').waitFor();
  await section.locator(`a[title="${doubtful}"]`).waitFor();
  await page.getByText('of 200 for prepared transactions').first().waitFor();
  assert.equal(
    await page.getByRole('link', {name: 'Its own console'}).first().getAttribute('href'),
    `${installation.consoleOf('bank_a')}/#/blocking`,
  );
  await close(page);
  await installation.sql('bank_a', `rollback prepared 'theirs'`);
});

test('axe finds nothing, on any page, in either theme, on laptop and phone', async () => {
  const found = [];
  for (const origin of origins())
    for (const [colorScheme, viewport] of [
      ['light', laptop],
      ['dark', phone],
    ]) {
      const page = await visit('#/overview', {colorScheme, viewport, inspected: true}, origin);
      for (const [title, hash, content] of pages()) {
        await page.evaluate(to => (location.hash = to), hash);
        await page.getByRole('heading', {level: 1, name: title, exact: true}).waitFor();
        await page.locator(content).first().waitFor();
        found.push(
          ...(await violations(page)).map(each => `${origin}/${hash} ${colorScheme}: ${each}`),
        );
        const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        if (over > 0)
          found.push(`${hash} is ${over} pixels wider than the ${viewport.width} of the screen`);
      }
      await close(page);
    }
  const chosen = await visit('#/blocking', {inspected: true});
  await chosen.getByRole('button', {name: /Theme/}).click();
  await chosen.getByRole('button', {name: /Theme: light/}).click();
  await chosen.locator(':root[data-theme=dark]').waitFor();
  found.push(...(await violations(chosen)));
  await close(chosen);
  assert.deepEqual(found, []);
});

test('the keyboard alone', async () => {
  const page = await visit('#/overview');
  const {keyboard} = page;
  const focused = selector =>
    page.evaluate(what => document.activeElement?.matches(what), selector);
  await waitToSay(page, /in doubt/);
  await keyboard.press('?');
  await page.locator('dialog[open]').waitFor();
  await keyboard.press('Escape');
  await until(
    'the help is closed',
    async () => (await page.locator('dialog[open]').count()) === 0,
  );
  await keyboard.press('g');
  await keyboard.press('t');
  await page.getByRole('heading', {level: 1, name: 'Transactions'}).waitFor();
  await page.locator('tr[data-row]').nth(2).waitFor();
  await keyboard.press('/');
  assert.ok(await focused('#filter'));
  await keyboard.type('o-7781');
  await until('one is left', async () => (await page.locator('tr[data-row]').count()) === 1);
  await keyboard.press('Escape');
  await keyboard.press('j');
  assert.ok(await focused('tr[data-row]'));
  await keyboard.press('Enter');
  await page.getByRole('heading', {level: 1, name: 'Transaction', exact: true}).waitFor();
  await keyboard.press('Escape');
  await page.getByRole('heading', {level: 1, name: 'Transactions'}).waitFor();
  await keyboard.press('g');
  await keyboard.press('b');
  const tree = page.getByRole('treegrid').locator('tbody tr');
  await until('the tree is there', async () => (await tree.count()) >= 5);
  const all = await tree.count();
  await keyboard.press('j');
  await keyboard.press('ArrowLeft');
  await until('the root is closed', async () => (await tree.count()) < all);
  await keyboard.press('ArrowRight');
  await until('and open', async () => (await tree.count()) === all);
  await keyboard.press('ArrowDown');
  assert.ok(await focused('tr[aria-level="2"]'));
  await keyboard.press('.');
  await page.getByRole('button', {name: /Go on/}).waitFor();
  await keyboard.press('.');
  await keyboard.press('?');
  await page.getByRole('checkbox').press('Space');
  await keyboard.press('Escape');
  await keyboard.press('g');
  await keyboard.press('o');
  assert.match(page.url(), /#\/blocking$/); // the letters are off
  await close(page);
});

test('5,000 transactions: a hundred at a time, and the filter goes over all', async () => {
  const {
    transactions: [like],
  } = await installation.get('/v1/transactions?state=committed&limit=1');
  const many = Array.from({length: 6000}, (_, i) => ({
    ...like,
    id: `01a1febb-0000-7000-8000-${String(999_999 - i).padStart(12, '0')}`,
    labels: {n: String(i)},
  }));
  const page = await visit('#/overview');
  await page.route('**/v1/transactions?*', route => {
    const params = new URL(route.request().url()).searchParams;
    const from = Number(params.get('page_token') ?? 0),
      to = from + Number(params.get('limit'));
    return route.fulfill({
      json: {
        transactions: many.slice(from, to),
        ...(to < many.length ? {next_page_token: String(to)} : {}),
      },
    });
  });
  await page.evaluate(() => (location.hash = '#/transactions'));
  await page.getByText('5,000 of 5,000 loaded, and there are more').waitFor();
  assert.equal(await page.locator('main tbody tr').count(), 100);
  assert.equal(await page.locator('main table').getAttribute('aria-rowcount'), '5001');
  await page.getByRole('button', {name: 'older'}).click();
  await page.getByText('n=150', {exact: true}).waitFor();
  const took = await page.evaluate(async () => {
    const input = document.querySelector('#filter'),
      begun = performance.now();
    input.value = 'n=4999';
    input.dispatchEvent(new Event('input', {bubbles: true}));
    while (document.querySelectorAll('main tbody tr').length !== 1)
      await new Promise(requestAnimationFrame);
    return performance.now() - begun;
  });
  console.log(`5,000 transactions filtered and drawn in ${took.toFixed(0)} ms`);
  await close(page);
});

test('the coordinator is killed: its page stays, and a participant tells what waits', async () => {
  const orphan = await visit('#/blocking', {inspected: true});
  const witness = await visit('#/blocking', {}, installation.consoleOf('bank_a'));
  const story = await visit(`#/transactions/${doubtful}`);
  await waitToSay(orphan, /in doubt/);
  await waitToSay(witness, /in doubt/);
  await story.locator('.lane.waiter').first().waitFor();
  const begun = Date.now();
  installation.killNow('coordinator');
  await waitToSay(
    witness,
    /Coordinator away for .*: 1 transaction in doubt holds 4 sessions in 1 database\. Nothing is lost; it finishes when it returns\./,
  );
  const took = Date.now() - begun;
  console.log(`from kill -9 to the sentence on a participant's console: ${took} ms`);

  await waitToSay(
    orphan,
    /Coordinator not reached for .* 1 transaction was unfinished and \d+ sessions waited/,
  );
  await orphan.getByText(/What is shown is \d+ s old/).waitFor();
  assert.ok((await orphan.locator('.node.waiter').count()) >= 4);
  assert.deepEqual(await violations(orphan), []);
  await until('it is said aloud', async () =>
    /Coordinator not reached/.test(await orphan.getByRole('status').innerText()),
  );
  await waitToSay(story, /Coordinator not reached/);
  assert.equal(await story.locator('.lane.waiter').count(), 4);
  const link = orphan.locator('.others a', {hasText: 'bank_a'});
  assert.equal(await link.getAttribute('href'), `${installation.consoleOf('bank_a')}/#/blocking`);
  await link.click();
  await waitToSay(orphan, /Coordinator away for .*1 transaction in doubt/);

  const strip = witness.getByRole('img', {name: /The last \d+ minutes?/});
  await until('the strip shows the outage', async () =>
    /away for [1-9]/.test(await strip.getAttribute('aria-label')),
  );
  await installation.control('start', 'coordinator');
  await waitToSay(story, /^(?!.*not reached)/);
  await waitToSay(witness, /^(?!.*Coordinator away)(?!.*1 transaction in doubt)/);
  await witness.getByRole('region', {name: 'What has ended'}).waitFor(); // abort was presumed
  // Who comes now to the coordinator sees what happened while it was not there.
  const later = await visit('#/blocking');
  const told = later.getByRole('img', {name: /The last \d+ minutes?/});
  await until('its strip shows its own outage', async () =>
    /away for [1-9].*bank_a at most [1-9]/.test(await told.getAttribute('aria-label')),
  );
  const ended = later.getByRole('region', {name: 'What has ended'});
  await ended
    .getByText(`${doubtful.slice(0, 8)}…${doubtful.slice(-6)}`)
    .first()
    .waitFor();
  await close(later);
  for (const page of [orphan, witness, story]) await page.context().close();
});
