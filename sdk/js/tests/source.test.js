// What becomes the export `source`: its errors, its streams, its states.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as hub from 'hub-sdk';
import { check, FakeHost, read } from 'hub-sdk/testing';

test('streams are read one after the other, asynchronous ones too, with what open made', async () => {
  const host = new FakeHost();
  const source = hub.source({
    open: ({ start }) => ({ start: start * 2 }),
    streams: {
      a: ({ start }, _request, output) => output.record({ id: start }),
      b: async ({ start }, request, output) => {
        await null;
        output.record({ id: start + 1, wanted: request.wants('address') });
      },
    },
    anyStream: (_opened, request, output) => output.record({ id: request.name }),
  });
  const requests = [{ name: 'a' }, { name: 'b', fields: ['address.city'] }, { name: 'toString' }];
  assert.equal(await read(source, { start: 2 }, requests), 3);
  assert.deepEqual([0, 1, 2].map((stream) => host.records(stream)[0]), [{ id: 4 }, { id: 5, wanted: true }, { id: 'toString' }]);
});

test('a stream that is not there is told with those that are', async () => {
  const source = hub.source({ streams: { a: () => {}, b: () => {} } });
  await assert.rejects(read(source, {}, [{ name: 'toString' }]), { kind: 'config', message: 'there is no stream `toString`; there are a, b' });
});

test('an error that nobody foresaw shows where it was, and no value', async () => {
  const source = hub.source({
    check: () => { throw 'planted-secret'; },
    streams: { a: function broken() { JSON.parse('{"iban": planted-secret}'); }, b: () => { throw hub.ConnectorError.transient('later', 5); } },
  });
  await assert.rejects(read(source, {}, [{ name: 'a' }]), (error) => {
    assert.equal(error.kind, 'permanent');
    assert.match(error.message, /^the connector failed: SyntaxError in .*line \d+:\d+/);
    assert.ok(!JSON.stringify(error.payload).includes('planted'));
    return true;
  });
  await assert.rejects(check(source, {}), { kind: 'permanent', message: /a value that is no error/ });
  await assert.rejects(read(source, {}, [{ name: 'b' }]), { kind: 'transient', payload: { tag: 'transient', val: { message: 'later', afterMs: 5 } } });
});

test('a state comes back as it was, and one that is none is an error', () => {
  const request = (state, more) => new hub.StreamRequest({ name: 'a', state: state && Buffer.from(state), ...more });
  const isState = (value) => typeof value?.page === 'number';
  assert.deepEqual(request('{"page":3}').state(isState), { page: 3 });
  assert.equal(request(undefined).state(isState), undefined);
  assert.equal(request('{"page":3}', { fullRefresh: true }).state(isState), undefined);
  for (const odd of ['{"page":"3"}', '{', 'null']) {
    assert.throws(() => request(odd).state(isState), { kind: 'permanent', message: /stream `a`: the stored checkpoint cannot be read; reset the flow's state/ });
  }
});

test('fields are wanted by their first name', () => {
  const request = new hub.StreamRequest({ name: 'a', fields: ['id', 'address.city'] });
  assert.deepEqual(['id', 'address', 'add', 'identity'].map((field) => request.wants(field)), [true, true, false, false]);
  assert.ok(new hub.StreamRequest({ name: 'a' }).wants('anything'));
});

test('clock, waiting and chance are the host\'s', () => {
  const host = new FakeHost();
  assert.equal(hub.runtime.now(), 1_767_225_600_000);
  hub.runtime.sleep(4_000_000.5);
  assert.deepEqual([host.sleeps, hub.runtime.now()], [[3_600_000, 400_001], 1_767_229_600_001]);
  assert.ok(hub.runtime.elapsed() < hub.runtime.elapsed());
  assert.equal(new Set(hub.runtime.random(5000)).size, 256);
  hub.runtime.warn('odd');
  assert.deepEqual(host.logs, [{ level: 'warn', message: 'odd' }]);
});
