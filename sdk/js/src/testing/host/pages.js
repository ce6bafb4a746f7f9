// The blind path as the fake host answers it.

import { failed } from '../state.js';
import { pointed } from './http.js';
import { emit } from './sink.js';

const encoder = new TextEncoder();

export function emitPage(stream, page, pointer, constants, observe) {
  const found = pointed(page.value(), pointer);
  const added = Object.fromEntries(constants.map(([path, json]) => [path, constant(path, json)]));
  const records = [found ?? []].flat().map((record) => ({ ...record, ...added }));
  const batch = records.map((record) => `${JSON.stringify(record)}\n`).join('');
  const ack = batch === '' ? { accepted: 0, rejected: 0, droppedFields: 0 } : emit(stream, encoder.encode(batch));
  return { ack, extracted: ack.accepted, observed: observe.map((field) => border(field, records)) };
}

function constant(path, json) {
  try {
    return JSON.parse(json);
  } catch {
    throw failed('permanent', `fake host: the constant \`${path}\` is no JSON`);
  }
}

function border(field, records) {
  const values = records.map((record) => record[field]).filter((value) => value !== undefined);
  const sorted = [...values].sort((left, right) => (left < right ? -1 : left > right ? 1 : 0));
  const text = (value) => (value === undefined ? undefined : JSON.stringify(value));
  return { field, first: text(values[0]), last: text(values.at(-1)), min: text(sorted[0]), max: text(sorted.at(-1)) };
}
