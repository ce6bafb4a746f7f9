// When the buffer goes out, and what a checkpoint promises.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as hub from 'hub-sdk';
import { Answer, FakeHost, read } from 'hub-sdk/testing';

const output = (request) => new hub.Output(new hub.StreamRequest({ name: 'a', ...request }));

test('batches are large and whole lines', () => {
  const host = new FakeHost();
  const out = output();
  for (let id = 0; id < 3000; id += 1) out.record({ id, text: 'ü'.repeat(500) });
  out.flush();
  const sizes = host.batchSizes(0);
  assert.ok(sizes.length > 3 && sizes.slice(0, -1).every((size) => size >= 256 << 10 && size <= 1 << 20), String(sizes));
  assert.deepEqual([out.records, host.records(0).length, host.records(0)[2999].id], [3000, 3000, 2999]);
});

test('a checkpoint comes after the records that it covers, and tells the wish to end', () => {
  const host = new FakeHost();
  host.cancelAfterCheckpoints(2);
  const out = output();
  out.record({ id: 1 });
  assert.equal(host.records(0).length, 0);
  out.checkpoint({ next: 2 });
  assert.deepEqual(host.records(0), [{ id: 1 }]);
  assert.throws(() => out.checkpoint({ next: 3 }), { kind: 'cancelled' });
  assert.deepEqual(host.checkpoints(0).map((state) => Buffer.from(state).toString()), ['{"next":2}', '{"next":3}']);
});

test('deletions and records keep one order', () => {
  const host = new FakeHost();
  const out = output();
  out.record({ id: 1, name: 'x' });
  out.deleted({ id: 1 });
  assert.deepEqual([host.records(0).length, host.deleted(0).length], [1, 0], 'what came before went out');
  out.deleted({ id: 2 });
  out.record({ id: 2, name: 'x' });
  out.checkpoint(1);
  assert.deepEqual(host.deleted(0), [{ id: 1 }, { id: 2 }]);
  assert.deepEqual([host.batchSizes(0).length, out.records, out.deletions], [2, 2, 2]);
  const whole = output({ fullRefresh: true });
  whole.deleted({ id: 3 });
  whole.flush();
  assert.deepEqual([host.deleted(0).length, whole.deletions], [2, 0], 'what is not emitted in a full refresh is gone by itself');
});

test('what is no record is refused without its content', () => {
  new FakeHost();
  for (const odd of [[1], 'text', null, undefined, 5]) assert.throws(() => output().record(odd), { kind: 'permanent', message: 'a record is no JSON object' });
  assert.throws(() => output().record({ id: 1n }), { kind: 'permanent', message: 'a record cannot be written as JSON' });
  assert.throws(() => output().checkpoint(undefined), { kind: 'permanent', message: /state cannot be written/ });
  assert.throws(() => output().checkpoint('x'.repeat(4 << 20)), { kind: 'permanent', message: /over the limit of 4194304/ });
});

test('a limit counts down', () => {
  new FakeHost();
  const out = output({ limit: 2n });
  assert.deepEqual([out.remaining, out.isFull], [2, false]);
  out.record({ id: 1 });
  out.record({ id: 2 });
  assert.deepEqual([out.remaining, out.isFull], [0, true]);
  assert.equal(output().remaining, undefined);
});

test('a page goes out unseen', () => {
  const host = new FakeHost();
  host.serve(() => Answer.json({ total: 2, items: [{ id: 3, at: 'b' }, { id: 4, at: 'a' }] }));
  const response = hub.get('https://a.example/').sendForSuccess();
  const out = output();
  const answer = out.page(new hub.PageRequest(response, '/items', { constants: { tenant: 'x' }, observe: ['at'] }));
  assert.deepEqual([answer.extracted, hub.greatest(answer, 'at'), hub.greatest(answer, 'id')], [2, 'b', undefined]);
  assert.deepEqual(host.records(0)[1], { id: 4, at: 'a', tenant: 'x' });
  assert.equal(out.page(new hub.PageRequest(response, '/none')).extracted, 0);
  assert.equal(out.records, 2);
});

test('pages are followed to the last one, to the limit, or to the wish to end', async () => {
  const host = new FakeHost();
  host.serve(({ url }) => {
    const page = Number(new URL(url).searchParams.get('page'));
    return Answer.json({ items: [{ id: page }], next: page < 400 ? page + 1 : null });
  });
  const first = hub.get('https://a.example/').withQuery('page', 1);
  const streams = {
    a(_, request, out) {
      const next = (response) => {
        const page = response.pointer('/next');
        return page === null ? undefined : hub.get('https://a.example/').withQuery('page', page);
      };
      hub.readPages(out, { first, records: '/items', next, state: (answer) => (answer.extracted === 1 ? out.records : undefined) });
    },
  };
  const source = hub.source({ streams });
  assert.equal(await read(source, {}, [{ name: 'a' }]), 400);
  assert.deepEqual([host.responses, host.checkpoints(0).length], [{ open: 0, most: 1 }, 400]);
  assert.equal(await read(source, {}, [{ name: 'a', limit: 5n }]), 5);
  host.cancelAfterCheckpoints(1);
  await assert.rejects(read(source, {}, [{ name: 'a' }]), { kind: 'cancelled' });
});

test('a page that leads to itself is an error: it would be read for ever', async () => {
  const host = new FakeHost();
  host.serve(() => Answer.json({ items: [{ id: 1 }], next: 2 }));
  const page = (number) => hub.get('https://a.example/').withQuery('page', number);
  const streams = {
    a(_, request, out) {
      hub.readPages(out, { first: page(1), records: '/items', next: (response) => page(response.pointer('/next')) });
    },
  };
  await assert.rejects(read(hub.source({ streams }), {}, [{ name: 'a' }]), { kind: 'schema-drift' });
  assert.deepEqual(host.responses, { open: 0, most: 1 });
});
