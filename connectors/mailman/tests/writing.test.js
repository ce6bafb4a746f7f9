import assert from 'node:assert/strict';
import { test } from 'node:test';
import { check, write } from 'hub-sdk/testing';
import { destination } from '../src/index.js';
import { CONFIG, FakeCore } from './core.js';

const FIELDS = ['list_id', 'email', 'display_name', 'delivery_mode'];
const target = (more) => [{ name: 'members', mode: 'upsert', primaryKey: ['list_id', 'email'], fields: FIELDS, ...more }];
const record = (email, more) => ({ list_id: 'news.example', email, ...more });

test('members are subscribed, changed, and left alone', async () => {
  const core = new FakeCore(2);
  core.serve();
  core.names.set('known@c.example', 'Old');
  await check(destination, CONFIG);
  const writer = await write(destination, CONFIG, target());
  const batch = [
    record('New+x@C.example', { display_name: 'Zoë Ü & Co', delivery_mode: 'plaintext_digests' }),
    record('m001@c.example', { display_name: 'Other', delivery_mode: null }),
    record('m002@c.example'),
    record('known@c.example', { display_name: 'New' }),
  ];
  assert.deepEqual(await writer.write(0, batch), { written: 4, failed: [] });
  const shown = () => ['new+x@c.example', 'm001@c.example', 'm002@c.example', 'known@c.example'].map((email) => {
    const { display_name: name, delivery_mode: delivery } = core.member('news.example', email);
    return `${name} ${delivery}`;
  });
  const wanted = ['Zoë Ü & Co plaintext_digests', 'Other regular', 'Name 2 regular', 'New regular'];
  assert.deepEqual(shown(), wanted);
  const writes = core.writes;
  assert.deepEqual(await writer.write(0, batch), { written: 4, failed: [] });
  assert.deepEqual([shown(), core.writes], [wanted, writes], 'delivered again, nothing changes');
  await writer.finish(0);
});

test('members leave, and those who are not there have left', async () => {
  const core = new FakeCore(3);
  core.serve();
  const writer = await write(destination, CONFIG, target());
  const keys = [record('M001@c.example'), record('none@c.example'), { ...record('m002@c.example'), list_id: 'none.example' }];
  assert.deepEqual(await writer.delete(0, keys), { written: 3, failed: [] });
  assert.deepEqual([...core.members.values()].map(({ email }) => email), ['m002@c.example', 'm003@c.example']);
  assert.deepEqual(await writer.delete(0, [{ list_id: 'news.example', email: 5 }]), { written: 0, failed: [{ row: 0, code: 'wrong-type' }] });
});

test('one list may stand in the configuration', async () => {
  const core = new FakeCore();
  core.serve();
  const writer = await write(destination, { ...CONFIG, list: 'news.example' }, target({ primaryKey: ['email'], fields: ['email'] }));
  assert.deepEqual(await writer.write(0, [{ email: 'a@c.example' }]), { written: 1, failed: [] });
  assert.ok(core.member('news.example', 'a@c.example'));
});

test('rows that do not fit are named by a word', async () => {
  const core = new FakeCore(1);
  core.serve();
  core.banned.add('banned@c.example');
  core.waiting.add('waiting@c.example');
  const writer = await write(destination, CONFIG, target());
  const rows = [
    ['[1]', 'not-a-json-object'],
    [record('a@c.example', { iban: 'x' }), 'unknown-field'],
    [{ list_id: 'news.example' }, 'no-key'],
    [record(''), 'no-key'],
    [record(null), 'no-key'],
    [record(5), 'wrong-type'],
    [record('a@c.example', { display_name: 5 }), 'wrong-type'],
    [record('x'.repeat(300)), 'key-too-long'],
    [{ ...record('a@c.example'), list_id: 'none.example' }, 'refused'],
    [record('nonsense'), 'refused'],
    [record('banned@c.example'), 'refused'],
    [record('waiting@c.example'), 'pending'],
    [record('m001@c.example', { delivery_mode: 'weird' }), 'refused'],
    [record('good@c.example'), undefined],
  ];
  const { written, failed } = await writer.write(0, rows.map(([row]) => row));
  assert.equal(written, 1);
  assert.deepEqual(failed, rows.map(([, code], row) => ({ row, code })).filter(({ code }) => code));
});

test('a target that cannot be is refused when opening', async () => {
  const refused = (more, config) => write(destination, { ...CONFIG, ...config }, target(more)).then(() => '', (error) => `${error.kind}: ${error.message}`);
  assert.match(await refused({ name: 'lists' }), /^config: .*only members can be written/);
  assert.match(await refused({ mode: 'replace' }), /^config: .*use the mode upsert/);
  assert.match(await refused({ primaryKey: ['email'] }), /^config: .*must be email and list_id, and is email: name it/);
  assert.match(await refused({ primaryKey: [] }), /and is none/);
  assert.match(await refused({}, { list: 'news.example' }), /must be email, and is list_id and email/);
  assert.match(await refused({ fields: ['email', 'role'] }), /^config: .*no field `role` to write; there are list_id, email/);
});

test('a credential that is refused ends the run, and a core that is ill may get well', async () => {
  const core = new FakeCore(1);
  const host = core.serve();
  const writer = await write(destination, { ...CONFIG, credential: 'other' }, target());
  await assert.rejects(writer.write(0, [record('a@c.example')]), { kind: 'auth' });
  host.serve(() => ({ status: 500, headers: [], body: new Uint8Array() }));
  await assert.rejects((await write(destination, CONFIG, target())).write(0, [record('a@c.example')]), { kind: 'transient' });
});
