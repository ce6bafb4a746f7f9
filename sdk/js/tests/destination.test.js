// What becomes the export `destination`: rows, words, second deliveries.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as hub from 'hub-sdk';
import { FakeHost, write } from 'hub-sdk/testing';

/** Keeps records by their id. */
function keeping(kept, more = {}) {
  return hub.destination({
    target(_config, target) {
      if (target.mode === 'replace') throw hub.ConnectorError.config('cannot be replaced');
      return target.name;
    },
    put(stream, { id, ...rest }) {
      if (id === undefined) return 'no-key';
      kept.set(`${stream}/${id}`, rest);
    },
    remove: (stream, { id }) => void kept.delete(`${stream}/${id}`),
    ...more,
  });
}

test('rows are taken, refused by a word, and counted from 0', async () => {
  const kept = new Map();
  const writer = await write(keeping(kept), {}, [{ name: 'people', fields: ['id', 'name'] }]);
  const report = await writer.write(0, [{ id: 1, name: 'A' }, '[1]', ' ', '{"id":', { name: 'B' }, { id: 2, iban: 'x' }, { id: 3 }]);
  assert.deepEqual(report, {
    written: 2,
    failed: [{ row: 1, code: 'not-a-json-object' }, { row: 2, code: 'not-a-json-object' }, { row: 3, code: 'no-key' }, { row: 4, code: 'unknown-field' }],
  });
  assert.deepEqual([...kept.keys()], ['people/1', 'people/3']);
  assert.deepEqual(await writer.delete(0, [{ id: 1 }, { id: 9 }]), { written: 2, failed: [] });
  assert.deepEqual([...kept.keys()], ['people/3']);
});

test('the last batch delivered again is not written again', async () => {
  const kept = new Map();
  let puts = 0;
  const counting = keeping(kept, { put: () => void (puts += 1) });
  const writer = await write(counting, {}, [{ name: 'a', fields: ['id'] }]);
  const first = await writer.write(0, [{ id: 1 }], 'key');
  assert.deepEqual(await writer.write(0, [{ id: 1 }], 'key'), first);
  await writer.write(0, [{ id: 1 }], 'next');
  assert.equal(puts, 2);
  await writer.delete(0, [{ id: 1 }], 'next');
});

test('whole batches may be taken, and flushing reaches the stream', async () => {
  const told = [];
  const whole = hub.destination({
    open: () => 'client',
    target: (client, { index, name }) => `${client}/${index}/${name}`,
    write: (stream, batch, key) => ({ written: [...batch.lines()].length, failed: told.push([stream, key, batch.bytes.length]) && [] }),
    flush: (stream) => void told.push(['flush', stream]),
  });
  const writer = await write(whole, {}, [{ name: 'a', fields: ['id'] }]);
  assert.deepEqual(await writer.write(0, [{ id: 'ü' }, { id: 2 }], 'k'), { written: 2, failed: [] });
  await writer.finish(0);
  assert.deepEqual(told, [['client/0/a', 'k', 21], ['flush', 'client/0/a']]);
});

test('what cannot be is told', async () => {
  new FakeHost();
  const kept = new Map();
  await assert.rejects(write(keeping(kept), {}, [{ name: 'a', mode: 'replace', fields: [] }]), { kind: 'config' });
  const writer = await write(keeping(kept, { remove: undefined }), {}, [{ name: 'a', fields: ['id'] }]);
  await assert.rejects(writer.delete(0, [{ id: 1 }]), { kind: 'permanent', message: 'this destination cannot delete records' });
  await assert.rejects(writer.write(7, [{ id: 1 }]), { kind: 'permanent', message: 'no stream was opened with the index 7' });
});
