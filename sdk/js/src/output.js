// Records out: one buffer per stream, emitted when it is large enough, always before a checkpoint.

import * as sink from '#host/sink';
import { calling, ConnectorError, ofHost } from './errors.js';
import { cancelled } from './runtime.js';

/** So many UTF-16 units are 256 to 768 KiB of UTF-8: 64 KiB to 1 MiB cost the host the least. */
const EMIT_AT_UNITS = 256 << 10;
const encoder = new TextEncoder();

/** Where the records of one stream go. */
export class Output {
  #request;
  #records = new Lines();
  #deleted = new Lines();
  #counts = { records: 0, deletions: 0, rejected: 0, droppedFields: 0 };

  constructor(request) {
    this.#request = request;
  }

  /** Hands over one record: an object of JSON values. */
  record(record) {
    this.#records.add(record, 'a record');
    this.#counts.records += 1;
    if (this.#records.isLarge) this.flush();
  }

  /**
   * Says that the remote has deleted a record: an object of its primary key and nothing else. It comes after the records before it. The stream says
   * `deletes = true` in connector.toml. In a full refresh nothing is handed over: what is not emitted is gone.
   */
  deleted(key) {
    if (this.#request.fullRefresh) return;
    if (!this.#records.isEmpty) this.flush();
    this.#deleted.add(key, 'a key');
    this.#counts.deletions += 1;
    if (this.#deleted.isLarge) this.flush();
  }

  /** Hands over the records of a response that stay in the host; see `PageRequest`. Answers `{ ack, extracted, observed }`. */
  page(page) {
    this.flush();
    const answer = page.emit(this.#request.index);
    this.#counts.records += answer.extracted;
    this.#note(answer.ack);
    return answer;
  }

  /** Emits what is still in the buffers. */
  flush() {
    const { index } = this.#request;
    if (!this.#deleted.isEmpty) this.#note(calling(ofHost, () => sink.emitDeleted(index, this.#deleted.take())));
    if (!this.#records.isEmpty) this.#note(calling(ofHost, () => sink.emit(index, this.#records.take())));
  }

  /** Says that everything before is covered by this state: JSON of at most 4 MiB without personal data. Throws `cancelled` if the host wants the end. */
  checkpoint(state) {
    const text = JSON.stringify(state);
    if (text === undefined) throw ConnectorError.permanent('the state cannot be written as JSON');
    this.flush();
    calling(ofHost, () => sink.checkpoint(this.#request.index, encoder.encode(text)));
    if (cancelled()) throw ConnectorError.cancelled();
  }

  /** True once the request's limit is reached: stop reading. */
  get isFull() {
    return this.remaining === 0;
  }

  /** How many records the request still wants; undefined: all. */
  get remaining() {
    const { limit } = this.#request;
    return limit === undefined ? undefined : Math.max(limit - this.#counts.records, 0);
  }

  /** Records handed over until now, also those that are still in the buffer. */
  get records() {
    return this.#counts.records;
  }

  /** Deletions handed over until now. */
  get deletions() {
    return this.#counts.deletions;
  }

  /** Records and keys that the gate left out until now. */
  get rejected() {
    return this.#counts.rejected;
  }

  /** Undeclared fields that the gate dropped until now. */
  get droppedFields() {
    return this.#counts.droppedFields;
  }

  #note(ack) {
    this.#counts.rejected += ack.rejected;
    this.#counts.droppedFields += ack.droppedFields;
  }
}

/** NDJSON being collected. */
class Lines {
  #text = '';

  add(value, what) {
    this.#text += `${written(value, what)}\n`;
  }

  get isEmpty() {
    return this.#text === '';
  }

  get isLarge() {
    return this.#text.length >= EMIT_AT_UNITS;
  }

  take() {
    const bytes = encoder.encode(this.#text);
    this.#text = '';
    return bytes;
  }
}

function written(value, what) {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) throw ConnectorError.permanent(`${what} is no JSON object`);
  try {
    return JSON.stringify(value);
  } catch {
    throw ConnectorError.permanent(`${what} cannot be written as JSON`);
  }
}
