// A connector that reads: its definition becomes the export `source`.

import { asConnectorError, ConnectorError } from './errors.js';
import { closeAll } from './open.js';
import { Output } from './output.js';

const decoder = new TextDecoder();

/**
 * `export const source = hub.source({ open, check, streams, anyStream })`.
 * `open(config)` makes of the configuration what the others get first (the configuration itself by default) and reaches nothing yet;
 * `check(opened)` asks whether the system can be reached; `streams` has a function `(opened, request, output)` for each stream;
 * `anyStream` reads those that have none. All of them may be asynchronous, though every call of the host is not.
 */
export function source({ open = (config) => config, check = () => {}, streams = {}, anyStream }) {
  return {
    check: (config) => bounded(async () => void (await check(await open(JSON.parse(config))))),
    read: (config, requests) =>
      bounded(async () => {
        const opened = await open(JSON.parse(config));
        let records = 0;
        for (const asked of requests) records += await readStream(opened, new StreamRequest(asked), streams, anyStream);
        return { records: BigInt(records) };
      }),
  };
}

async function readStream(opened, request, streams, anyStream) {
  const read = Object.hasOwn(streams, request.name) ? streams[request.name] : anyStream;
  if (read === undefined) {
    throw ConnectorError.config(`there is no stream \`${request.name}\`; there are ${Object.keys(streams).join(', ')}`);
  }
  const output = new Output(request);
  await read(opened, request, output);
  output.flush();
  closeAll();
  return output.records;
}

/** The border between the connector's code and the host: only the ABI's errors pass, and no response stays open. */
export async function bounded(work) {
  try {
    return await work();
  } catch (error) {
    throw asConnectorError(error);
  } finally {
    closeAll();
  }
}

/** One stream to read. */
export class StreamRequest {
  #state;

  constructor({ index = 0, name, fields = [], state, fullRefresh = false, limit }) {
    this.index = index;
    this.name = name;
    this.fields = fields;
    this.fullRefresh = fullRefresh;
    this.limit = limit === undefined ? undefined : Number(limit);
    this.#state = fullRefresh ? undefined : state;
  }

  /**
   * The last checkpoint's state, as it was given to `Output.checkpoint`; undefined: start from the beginning. `isState` says whether a value is one:
   * a state of another version of the connector must not be guessed at.
   */
  state(isState) {
    if (this.#state === undefined) return undefined;
    const value = parsed(decoder.decode(this.#state));
    if (value !== undefined && isState(value)) return value;
    throw ConnectorError.permanent(`stream \`${this.name}\`: the stored checkpoint cannot be read; reset the flow's state to read it anew`);
  }

  /** True if the flow wants this top-level field or something inside it. */
  wants(field) {
    return this.fields.length === 0 || this.fields.some((path) => path === field || path.startsWith(`${field}.`));
  }
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
