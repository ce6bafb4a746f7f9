// The sink of the ABI as the fake host answers it: it keeps the host's rules that a connector can break, and projects nothing.

import { recordOf } from '../../ndjson.js';
import { failed, state } from '../state.js';

const MAX_BATCH_BYTES = 16 << 20;
const MAX_STATE_BYTES = 4 << 20;
const decoder = new TextDecoder();

export function emit(stream, batch) {
  const accepted = countOf(batch);
  state.batches.push({ stream, text: decoder.decode(batch), bytes: batch.length });
  return { accepted, rejected: 0, droppedFields: 0 };
}

export function emitDeleted(stream, keys) {
  const accepted = countOf(keys);
  state.deleted.push({ stream, text: decoder.decode(keys) });
  return { accepted, rejected: 0, droppedFields: 0 };
}

export function checkpoint(stream, bytes) {
  if (bytes.length > MAX_STATE_BYTES) {
    throw failed('permanent', `fake host: a state of ${bytes.length} bytes is over the limit of ${MAX_STATE_BYTES}`);
  }
  state.checkpoints.push({ stream, bytes });
}

function countOf(batch) {
  if (batch.length > MAX_BATCH_BYTES) {
    throw failed('permanent', `fake host: a batch of ${batch.length} bytes is over the limit of ${MAX_BATCH_BYTES}`);
  }
  const lines = decoder.decode(batch).split('\n').filter((line) => line.trim() !== '');
  const odd = lines.findIndex((line) => recordOf(line) === undefined);
  if (odd !== -1) throw failed('permanent', `fake host: row ${odd} of a batch is no JSON object on a line of its own`);
  return lines.length;
}
