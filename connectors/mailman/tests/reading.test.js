import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Answer, check, FakeHost, read } from 'hub-sdk/testing';
import { source } from '../src/index.js';
import { CONFIG, FakeCore } from './core.js';

const emails = (host) => host.records(0).map(({ email }) => email);
const members = (more) => [{ name: 'members', ...more }];

test('all pages are read once, however many there are', async () => {
  for (const count of [0, 1, 9, 10, 11, 35]) {
    const host = new FakeCore(count).serve();
    assert.equal(await read(source, CONFIG, members()), count);
    assert.equal(new Set(emails(host)).size, count);
    assert.equal(host.requests.length, Math.max(Math.ceil(count / 10), 1));
    assert.deepEqual([host.responses.open, host.responses.most], [0, 1]);
  }
});

test('every stream is read in one run, and the number of records is the connector\'s own', async () => {
  const host = new FakeCore(3).serve();
  assert.equal(await read(source, CONFIG, [{ name: 'lists' }, { name: 'members' }, { name: 'users' }]), 5);
  assert.deepEqual(host.records(0), [{ list_id: 'news.example', member_count: 3 }]);
});

test('only the fields that the flow wants are asked for, where the core can be asked for less', async () => {
  const host = new FakeCore(1).serve();
  await read(source, CONFIG, [{ name: 'members', fields: ['email', 'list_id'] }, { name: 'users', fields: ['user_id'] }]);
  const [first, second] = host.requests.map(({ url }) => new URL(url).searchParams.getAll('fields'));
  assert.deepEqual([first.sort(), second], [['email', 'list_id'], []]);
});

test('a limit ends soon', async () => {
  const host = new FakeCore(100).serve();
  assert.equal(await read(source, CONFIG, members({ limit: 3n })), 3);
  assert.equal(await read(source, CONFIG, members({ limit: 25n })), 30);
  assert.equal(host.requests.length, 4);
});

test('a record that leaves takes no other with it', async () => {
  const core = new FakeCore(35);
  const host = core.serve();
  let pages = 0;
  core.beforePage = () => {
    pages += 1;
    if (pages === 3) for (const number of ['001', '002', '015']) core.members.delete(`news.example m${number}@c.example`);
  };
  await read(source, CONFIG, members());
  const seen = new Set(emails(host));
  assert.equal(seen.size, 35, 'those that stay, and those that left after they were read');
  assert.ok(emails(host).length > 35, 'some twice');
});

test('a wish to end is obeyed after a page', async () => {
  const host = new FakeCore(35).serve();
  host.cancelAfterCheckpoints(0);
  await assert.rejects(read(source, CONFIG, members()), { kind: 'cancelled' });
  assert.equal(host.records(0).length, 10);
});

test('a state is none of this connector\'s', async () => {
  new FakeCore(1).serve();
  await assert.rejects(read(source, CONFIG, members({ state: Buffer.from('{}') })), { kind: 'permanent', message: /reset the flow's state/ });
  assert.equal(await read(source, CONFIG, members({ state: Buffer.from('{}'), fullRefresh: true })), 1);
});

test('what is wrong is told, without a value', async () => {
  const cases = [
    [() => new Answer(401), 'auth', /\/3\.1\/lists answered with status 401/],
    [() => new Answer(503), 'transient', /status 503/],
    [() => Answer.json({ total_size: 'planted' }), 'schema-drift', /is `base_url` the address of Mailman/],
    [() => new Answer(200, '<html>planted'), 'schema-drift', /not what was expected/],
    [() => Answer.fault('denied', 'no'), 'cancelled', /cancelled/],
  ];
  for (const [server, kind, message] of cases) {
    new FakeHost().serve(server);
    await assert.rejects(check(source, CONFIG), (error) => {
      assert.equal(error.kind, kind);
      assert.match(error.message, message);
      assert.ok(!error.message.includes('planted'));
      return true;
    });
  }
  await assert.rejects(check(source, { ...CONFIG, page_size: 0 }), { kind: 'config', message: /from 1 to 10000/ });
  await assert.rejects(read(source, CONFIG, [{ name: 'domains' }]), { kind: 'config', message: /there are lists, members, users/ });
});
