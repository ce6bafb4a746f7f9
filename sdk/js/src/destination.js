// A connector that writes: its definition becomes the export `destination`.

import { ConnectorError } from './errors.js';
import { recordOf } from './ndjson.js';
import { closeAll } from './open.js';
import { bounded } from './source.js';

const decoder = new TextDecoder();
const ROWS = {
  put: { row: 'put', batch: 'write', cannot: 'this destination writes nothing: its definition has neither `put` nor `write`' },
  remove: { row: 'remove', batch: 'delete', cannot: 'this destination cannot delete records' },
};

/**
 * `export const destination = hub.destination({ check, open, target, put, remove, flush, finish })`.
 * `open(config)` comes once; `target(opened, target)` answers for each stream with what the others get first, and refuses modes and fields that
 * cannot be. `put(stream, record)` writes one record: it answers with nothing, or with a word for the report if the system does not take it.
 * `remove(stream, key)` deletes one by its primary key; one that is not there counts as deleted. Whoever writes many at once has
 * `write(stream, batch, key)` and `delete(stream, batch, key)` instead, which answer with `{ written, failed }`. `flush(stream)` and `finish(stream)` make
 * durable what was written (finish: flush by default). The same batch delivered again is not written again.
 */
export function destination(definition) {
  const { check = () => {}, open = (config) => config, target = (_, asked) => asked, flush = () => {}, finish = flush } = definition;
  const opened = new Map();
  const inStream = (index, work) => bounded(async () => work(found(opened, index)));
  return {
    check: (config) => bounded(async () => void (await check(JSON.parse(config)))),
    open: (config, targets) =>
      bounded(async () => {
        opened.clear();
        const client = await open(JSON.parse(config));
        for (const asked of targets) opened.set(asked.index, new Stream(asked, await target(client, asked)));
      }),
    write: (index, key, batch) => inStream(index, (stream) => stream.deliver(definition, ROWS.put, key, batch)),
    delete: (index, key, keys) => inStream(index, (stream) => stream.deliver(definition, ROWS.remove, key, keys)),
    flush: (index) => inStream(index, async (stream) => void (await flush(stream.made))),
    finish: (index) => inStream(index, async (stream) => void (await finish(stream.made))),
  };
}

function found(opened, index) {
  const stream = opened.get(index);
  if (stream === undefined) throw ConnectorError.permanent(`no stream was opened with the index ${index}`);
  return stream;
}

/** A stream of a run, and what became of its last batch: delivered again, it is not written again. */
class Stream {
  #fields;
  #last;

  constructor(target, made) {
    this.#fields = new Set(target.fields.map((field) => field.name));
    this.made = made;
  }

  async deliver(definition, { row, batch, cannot }, key, ndjson) {
    const name = `${row}:${key}`;
    if (this.#last?.name === name) return this.#last.report;
    if (definition[row] === undefined && definition[batch] === undefined) throw ConnectorError.permanent(cannot);
    const report = definition[batch]
      ? await definition[batch](this.made, new Batch(ndjson), key)
      : await this.#rows((record) => definition[row](this.made, record), new Batch(ndjson));
    this.#last = { name, report };
    return report;
  }

  async #rows(act, batch) {
    const report = { written: 0, failed: [] };
    let row = 0;
    for (const line of batch.lines()) {
      const record = recordOf(line);
      const code = record === undefined ? 'not-a-json-object' : this.#hasUnknown(record) ? 'unknown-field' : await act(record);
      if (code) report.failed.push({ row, code });
      else report.written += 1;
      row += 1;
      closeAll();
    }
    return report;
  }

  #hasUnknown(record) {
    return Object.keys(record).some((name) => !this.#fields.has(name));
  }
}

/** A batch: NDJSON, one object a line. */
export class Batch {
  /** The bytes as they are. */
  bytes;

  constructor(bytes) {
    this.bytes = bytes;
  }

  /** The records' texts, without empty lines. A record's row is its position here. */
  *lines() {
    for (let from = 0; from < this.bytes.length; ) {
      const found = this.bytes.indexOf(0x0a, from);
      const end = found === -1 ? this.bytes.length : found;
      const line = decoder.decode(this.bytes.subarray(from, end)).trim();
      if (line !== '') yield line;
      from = end + 1;
    }
  }
}
