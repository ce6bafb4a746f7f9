// A host in memory for a connector's unit tests: records what comes out, serves prepared answers and files. It keeps the host's rules that a connector
// can break (valid NDJSON, size limits, bodies only with the grant, folders only with a grant), not its policy: nothing is projected or refused here.

import { recordOf } from '../ndjson.js';
import { closeAll } from '../open.js';
import { forget, state } from './state.js';

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const lines = (kept, stream) => kept.filter((batch) => batch.stream === stream).flatMap(({ text }) => text.split('\n').filter(Boolean).map(recordOf));

/** The host of this process. Making one forgets everything before. */
export class FakeHost {
  constructor() {
    closeAll();
    forget();
  }

  /** Answers every request (`{ method, url, headers, body, credential, timeoutMs }`) with what this function gives: an `Answer`. */
  serve(server) {
    state.server = server;
  }

  /** Lets the connector read bodies. */
  grantReadBody() {
    state.readBody = true;
  }

  /** Grants a folder for reading and writing. */
  grantFolder(name) {
    state.folders.add(name);
  }

  /** Puts a file into a granted folder: `FOLDER/name`, plain bytes or text. */
  putFile(path, content, compression = 'none') {
    const bytes = typeof content === 'string' ? encoder.encode(content) : content;
    state.files.set(path, { bytes, compression, modifiedMs: state.nowMs });
  }

  /** The text of a file; undefined: there is none. */
  file(path) {
    const file = state.files.get(path);
    return file && decoder.decode(file.bytes);
  }

  /** Sets the wall clock. */
  setNow(milliseconds) {
    state.nowMs = milliseconds;
  }

  /** The host wants the end once it has so many checkpoints. */
  cancelAfterCheckpoints(count) {
    state.cancelAfterCheckpoints = count;
  }

  /** Sizes in bytes of the batches of a stream as they were emitted. */
  batchSizes(stream) {
    return state.batches.filter((batch) => batch.stream === stream).map(({ bytes }) => bytes);
  }

  /** The records of a stream. */
  records(stream) {
    return lines(state.batches, stream);
  }

  /** The keys that a stream reported as deleted. */
  deleted(stream) {
    return lines(state.deleted, stream);
  }

  /** The states of a stream's checkpoints as bytes, oldest first: give one as `state` of a later request. */
  checkpoints(stream) {
    return state.checkpoints.filter((kept) => kept.stream === stream).map(({ bytes }) => bytes);
  }

  /** What was logged: `{ level, message }`. */
  get logs() {
    return state.logs;
  }

  /** The requests that were sent. */
  get requests() {
    return state.requests;
  }

  /** How long the connector waited, call by call, in milliseconds. Nobody waited. */
  get sleeps() {
    return state.sleeps;
  }

  /** Responses that are open now, and the most that were at once. */
  get responses() {
    return { open: state.open, most: state.mostOpen };
  }
}

/** A prepared response. */
export class Answer {
  constructor(status, body = '', headers = {}) {
    this.status = status;
    this.body = typeof body === 'string' ? encoder.encode(body) : body;
    this.headers = Object.entries(headers).map(([name, value]) => ({ name, value }));
  }

  /** A JSON body, with status 200 unless another is given. */
  static json(value, status = 200) {
    return new Answer(status, JSON.stringify(value), { 'content-type': 'application/json' });
  }

  /** No response: `tag` and `val` of the ABI's `fetch-error`. */
  static fault(tag, val) {
    return { fault: { tag, val } };
  }
}

/** Runs a source over these streams, each at least `{ name }`; answers with the connector's own count. `config` is an object. */
export async function read(source, config, requests) {
  const asked = requests.map((request, index) => ({ index, fields: [], fullRefresh: false, ...request }));
  const { records } = await source.read(JSON.stringify(config), asked);
  return Number(records);
}

/** Runs the check of a source or a destination. */
export const check = (connector, config) => connector.check(JSON.stringify(config));

/** Opens a destination for targets, each at least `{ name, fields: ['id'] }`. */
export async function write(destination, config, targets) {
  const asked = targets.map(({ fields, ...target }, index) => ({
    index,
    mode: 'append',
    primaryKey: [],
    ...target,
    fields: fields.map((field) => ({ kind: 'text', about: '', ...(typeof field === 'string' ? { name: field } : field) })),
  }));
  await destination.open(JSON.stringify(config), asked);
  return new Writer(destination);
}

/** A destination being written to. Records are objects, or texts where a line is to be no object. */
class Writer {
  #destination;
  #batches = 0;

  constructor(destination) {
    this.#destination = destination;
  }

  /** Writes a batch under this key: twice the same key is a second delivery. */
  write(target, records, key = this.#key()) {
    return this.#destination.write(target, key, ndjson(records));
  }

  /** Deletes by keys. */
  delete(target, keys, key = this.#key()) {
    return this.#destination.delete(target, key, ndjson(keys));
  }

  /** Makes durable what was written. */
  flush(target) {
    return this.#destination.flush(target);
  }

  /** Ends the run. */
  finish(target) {
    return this.#destination.finish(target);
  }

  #key() {
    this.#batches += 1;
    return `batch-${this.#batches}`;
  }
}

const ndjson = (records) =>
  encoder.encode(records.map((record) => `${typeof record === 'string' ? record : JSON.stringify(record)}\n`).join(''));
