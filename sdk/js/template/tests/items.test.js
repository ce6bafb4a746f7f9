import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Answer, FakeHost, read } from 'hub-sdk/testing';
import { source } from '../src/index.js';

const CONFIG = { base_url: 'https://api.example.org' };

test('all pages are read, with the credential', async () => {
  const host = new FakeHost();
  const pages = { 1: { items: [{ id: 1 }, { id: 2 }], next_page: 2 }, 2: { items: [{ id: 3 }], next_page: null } };
  host.serve(({ url }) => Answer.json(pages[new URL(url).searchParams.get('page')]));
  assert.equal(await read(source, CONFIG, [{ name: 'items' }]), 3);
  assert.deepEqual(host.records(0).map(({ id }) => id), [1, 2, 3]);
  assert.ok(host.requests.every(({ credential }) => credential === 'api'));
});

test('what is no list of items is told', async () => {
  const host = new FakeHost();
  host.serve(() => Answer.json({ error: 'moved' }));
  await assert.rejects(read(source, CONFIG, [{ name: 'items' }]), { kind: 'schema-drift', message: /is `base_url` the address/ });
});
