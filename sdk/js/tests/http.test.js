// Requests as they are sent, and what their answers mean.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as hub from 'hub-sdk';
import { Answer, FakeHost } from 'hub-sdk/testing';

const text = (bytes) => Buffer.from(bytes).toString();
const URL_ = 'https://a.example/x';

test('a request is built piece by piece and leaves the one before as it was', () => {
  const host = new FakeHost();
  host.serve(() => new Answer(204));
  const bare = hub.post(URL_);
  const request = bare.withQuery('@page', 2).withQuery('q', "ä;b c'").withHeader('accept', 'application/json').withCredential('crm').withTimeout(5);
  assert.equal(request.url, `${URL_}?%40page=2&q=%C3%A4%3Bb%20c%27`);
  assert.equal(bare.url, URL_);
  request.withJson({ a: 1 }).sendForSuccess();
  const [{ method, headers, body, credential, timeoutMs }] = host.requests;
  assert.deepEqual([method, credential, timeoutMs, text(body)], ['post', 'crm', 5, '{"a":1}']);
  assert.deepEqual(headers, [{ name: 'accept', value: 'application/json' }, { name: 'content-type', value: 'application/json' }]);
  hub.post(URL_).withForm({ email: 'a+b@c.example', name: undefined, flag: true }).send();
  assert.equal(text(host.requests[1].body), 'email=a%2Bb%40c.example&flag=true');
});

test('statuses have the kinds of the standard', () => {
  const kinds = { 400: 'permanent', 401: 'auth', 403: 'auth', 404: 'permanent', 408: 'transient', 429: 'transient', 500: 'transient', 503: 'transient' };
  for (const [status, kind] of Object.entries(kinds)) {
    const host = new FakeHost();
    host.serve(() => new Answer(Number(status), 'secret', { 'Retry-After': '7' }));
    const message = `https://a.example/x answered with status ${status}`;
    assert.throws(() => hub.get(`${URL_}?key=secret`).sendForSuccess(), (error) => {
      assert.deepEqual([error.kind, error.message], [kind, message]);
      assert.equal(error.payload.val.afterMs, kind === 'transient' ? 7000 : undefined);
      return true;
    });
    assert.equal(host.responses.open, 0);
  }
  const host = new FakeHost();
  host.serve(() => new Answer(503, '', { 'retry-after': 'Wed, 21 Oct 2026 07:28:00 GMT' }));
  assert.throws(() => hub.get(URL_).sendForSuccess(), (error) => error.payload.val.afterMs === undefined);
});

test('what kept a response away has a kind, and a refusal of the host ends the run', () => {
  const faults = [
    ['denied', 'no', 'cancelled'],
    ['timeout', undefined, 'transient'],
    ['dns', 'a.example', 'transient'],
    ['transport', 'reset', 'transient'],
    ['tls', 'expired', 'permanent'],
    ['too-large', 5n, 'permanent'],
    ['malformed', 'x', 'schema-drift'],
    ['credential', { config: true, message: 'x' }, 'auth'],
    ['credential', { config: false, message: 'x' }, 'transient'],
  ];
  for (const [tag, val, kind] of faults) {
    const host = new FakeHost();
    host.serve(() => Answer.fault(tag, val));
    assert.throws(() => hub.get(URL_).send(), { kind, name: 'ConnectorError' });
    assert.throws(() => hub.get(URL_).start().wait(), { kind });
  }
});

test('a body is read only with the grant', () => {
  const host = new FakeHost();
  host.serve(() => Answer.json({ total: 1, items: [{ id: 'ä' }] }));
  const response = hub.get(URL_).sendForSuccess();
  assert.deepEqual([response.pointer('/total'), response.pointer('/none'), response.length('/items'), response.length('/total')], [1, undefined, 1, undefined]);
  assert.throws(() => response.pointer('/items/0/id'), { kind: 'cancelled' });
  assert.throws(() => response.json(), { kind: 'cancelled' });
  host.grantReadBody();
  assert.equal(response.pointer('/items/0/id'), 'ä');
  assert.equal(response.header('Content-Type'), 'application/json');
  assert.deepEqual(response.json(), { total: 1, items: [{ id: 'ä' }] });
  assert.throws(() => response.status, { kind: 'permanent', message: /has closed/ });
  host.serve(() => new Answer(200, '{"secret'));
  assert.throws(() => hub.get(URL_).sendForSuccess().json(), { kind: 'schema-drift', message: 'a response body is not JSON' });
});

test('responses that nobody closes are refused before the host runs out of them', async () => {
  const host = new FakeHost();
  host.serve(() => new Answer(200));
  const hoarding = hub.source({ streams: { a: () => { for (;;) hub.get(URL_).send(); } } });
  await assert.rejects(hoarding.read('{}', [{ index: 0, name: 'a', fields: [], fullRefresh: false }]), { kind: 'permanent', message: /holds 256 responses/ });
  assert.deepEqual(host.responses, { open: 0, most: 257 });
});
