// Both branches of an external transaction, by pg:  node application.mjs ACCOUNT
//
// TRANSACTION is what the begin answered, BANK where everything is, PG the driver's folder.
import {createRequire} from 'node:module';
import assert from 'node:assert';

const {Client} = createRequire(import.meta.url)(process.env.PG);
const account = Number(process.argv[2]);
const {databases} = JSON.parse(process.env.BANK);

// What libpq takes, as pg does: "host=127.0.0.1 port=5432 dbname=bank user=shop_app".
function settings(conninfo) {
  const given = Object.fromEntries(conninfo.split(' ').map(each => each.split('=')));
  return {host: given.host, port: Number(given.port), database: given.dbname, user: given.user};
}

for (const {participant, prepare} of JSON.parse(process.env.TRANSACTION).branches) {
  const client = new Client(settings(databases[participant]));
  await client.connect();
  await client.query('begin');
  const change = participant === 'bank_a' ? -5 : 5;
  const done = await client.query('update account set balance = balance + $1 where id = $2', [
    change,
    account,
  ]);
  assert.equal(done.rowCount, 1);
  let last;
  for (const statement of prepare) last = await client.query(statement);
  assert.equal(last.command, 'PREPARE');
  await client.end();
}
