// A whole installation for the browser tests and the screenshots, by `assent dev`, and ways to
// get it into trouble.
import {execFile, spawn} from 'node:child_process';
import {chmodSync, mkdtempSync, readFileSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {promisify} from 'node:util';

const run = promisify(execFile);

export async function until(what, condition, limit = 30_000) {
  const end = Date.now() + limit;
  for (;;) {
    const found = await condition();
    if (found) return found;
    if (Date.now() > end) throw new Error(`did not come about within ${limit} ms: ${what}`);
    await new Promise(resolve => setTimeout(resolve, 50));
  }
}

export class Installation {
  static async start(bin, participants = 2) {
    const self = new Installation();
    self.assent = join(bin, 'assent');
    self.folder = mkdtempSync(join(tmpdir(), 'assent-console-'));
    chmodSync(self.folder, 0o755); // run by root, PostgreSQL is another user and must enter it
    self.sessions = [];
    self.dev = spawn(
      self.assent,
      ['dev', '--keep', self.folder, '--no-restart', '--participants', String(participants)],
      {stdio: ['ignore', 'pipe', 'pipe']},
    );
    let said = '';
    self.dev.stdout.on('data', text => (said += text));
    self.dev.stderr.on('data', text => (said += text));
    try {
      await until(
        'assent dev is ready',
        () => {
          if (self.dev.exitCode !== null) throw new Error(`assent dev has ended:\n${said}`);
          return said.includes('Assent is ready');
        },
        180_000,
      );
    } catch (error) {
      await self.stop();
      throw error;
    }
    return self;
  }

  async stop() {
    for (const session of this.sessions) session.kill();
    if (this.dev.exitCode === null) {
      const ended = new Promise(resolve => this.dev.once('exit', resolve));
      this.dev.kill('SIGTERM');
      await ended;
    }
    rmSync(this.folder, {recursive: true, force: true});
  }

  get state() {
    return JSON.parse(readFileSync(join(this.folder, 'state.json')));
  }
  get url() {
    return this.state.url;
  }
  consoleOf(participant) {
    return `http://127.0.0.1:${this.state.parts[participant].admin_port}`;
  }

  control(action, part) {
    return run(this.assent, ['dev', action, part], {
      env: {...process.env, ASSENT_DEV: this.folder},
    });
  }
  // Without a detour, for who measures the time from here.
  killNow(part) {
    process.kill(this.state.parts[part].pid, 'SIGKILL');
  }

  // A session of psql's in that database; it ends with the installation.
  session(participant, application, sql) {
    const {conninfo} = this.state.parts[`${participant}.db`];
    const child = spawn('psql', ['-X', '-q', '-d', conninfo, '-c', sql], {
      env: {...process.env, PGAPPNAME: application},
      stdio: 'ignore',
    });
    this.sessions.push(child);
    return child;
  }
  async sql(participant, sql) {
    const {conninfo} = this.state.parts[`${participant}.db`];
    return (await run('psql', ['-X', '-q', '-A', '-t', '-d', conninfo, '-c', sql])).stdout.trim();
  }

  async get(path, url = this.url) {
    return (await fetch(url + path)).json();
  }
  async post(body) {
    const response = await fetch(`${this.url}/v1/transactions`, {
      method: 'POST',
      headers: {'Content-Type': 'application/json'},
      body: JSON.stringify(body),
    });
    return response.json();
  }

  transfer(account, labels = {}, amount = 1, timeout = 30_000) {
    const move = (participant, sign) => ({
      participant,
      statements: [
        {
          sql: `update account set balance = balance ${sign} $1 where id = $2`,
          params: [amount, account],
          expect: {rows: 1},
        },
      ],
    });
    return {timeout_ms: timeout, labels, branches: [move('bank_a', '-'), move('bank_b', '+')]};
  }

  // A transaction that is prepared in bank_a and cannot be in bank_b: there a session holds the
  // row. Resolves with its id; the transaction's own answer is nobody's concern.
  async hang(account, labels) {
    this.session(
      'bank_b',
      'batch-report',
      `begin; select from account where id = ${account} for update; select pg_sleep(3600)`,
    );
    await until('the row in bank_b is held', () =>
      this.sql(
        'bank_b',
        `select count(*) from pg_stat_activity where application_name = 'batch-report' and query like '%id = ${account} %' and wait_event = 'PgSleep'`,
      ).then(text => text !== '0'),
    );
    this.post(this.transfer(account, labels, 1, 3_600_000)).catch(() => undefined);
    return until('its branch in bank_a is prepared', async () => {
      const {transactions} = await this.get('/v1/transactions?state=in_doubt');
      return transactions.find(each =>
        Object.entries(labels).every(([name, value]) => each.labels?.[name] === value),
      )?.id;
    });
  }

  // Sessions that wait for that account in bank_a.
  async wait(account, applications) {
    for (const each of applications)
      this.session(
        'bank_a',
        each,
        `update account set balance = balance + 1 where id = ${account}`,
      );
    await until('they wait', async () => {
      const waiting = await this.sql(
        'bank_a',
        `select count(*) from pg_stat_activity where wait_event_type = 'Lock' and query like 'update account set balance = balance + 1 where id = ${account}%'`,
      );
      return Number(waiting) >= applications.length;
    });
  }
}
