// Files of granted folders.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as hub from 'hub-sdk';
import { FakeHost } from 'hub-sdk/testing';

const bytes = (text) => new TextEncoder().encode(text);

test('files are listed, read and written', () => {
  const host = new FakeHost();
  host.grantFolder('in');
  host.putFile('in/b.ndjson', '{"id":1}\n', 'gzip');
  host.putFile('in/a.ndjson', 'x'.repeat(600_000));
  host.putFile('in/deeper/c', '');
  assert.deepEqual(hub.files.list('in').map(({ path, size }) => [path, size]), [['in/a.ndjson', 600_000n], ['in/b.ndjson', 9n]]);
  assert.deepEqual([...hub.files.read('in/a.ndjson')].map((chunk) => chunk.length), [262_144, 262_144, 75_712]);
  assert.equal(Buffer.concat([...hub.files.read('in/b.ndjson', 'gzip')]).toString(), '{"id":1}\n');
  const writer = hub.files.replace('in/b.ndjson');
  writer.write(bytes('new'));
  assert.equal(host.file('in/b.ndjson'), '{"id":1}\n', 'nothing changes before the end');
  writer.finish();
  const longer = hub.files.append('in/b.ndjson');
  longer.write(bytes('er'));
  longer.sync();
  assert.equal(host.file('in/b.ndjson'), 'newer');
});

test('what is not granted, or not there, is told', () => {
  const host = new FakeHost();
  host.grantFolder('in');
  assert.throws(() => hub.files.list('out'), { kind: 'cancelled' });
  assert.throws(() => hub.files.replace('in/../x'), { kind: 'cancelled' });
  assert.throws(() => [...hub.files.read('in/none')], { kind: 'permanent', message: 'there is no file `in/none`' });
  assert.throws(() => hub.files.append('in/a').write(new Uint8Array((16 << 20) + 1)), { kind: 'permanent', message: /limit of 16777216/ });
});
