// Files of the fake host: plain bytes in memory, and how they are said to be stored.

import { failed, state } from '../state.js';

const MAX_READ_BYTES = 1 << 20;
const MAX_WRITE_BYTES = 16 << 20;

export function list(folder) {
  allow(folder);
  const inside = ([path]) => path.startsWith(`${folder}/`) && !path.slice(folder.length + 1).includes('/');
  const entry = ([path, { bytes, modifiedMs }]) => ({ path, size: BigInt(bytes.length), modifiedMs: BigInt(modifiedMs) });
  return [...state.files].filter(inside).sort(([left], [right]) => (left < right ? -1 : 1)).map(entry);
}

export function open(path, compression) {
  allow(path);
  const file = state.files.get(path);
  if (file === undefined) throw failed('not-found', path);
  if (file.compression !== compression) throw failed('failed', `\`${path}\` is not stored in this compression`);
  let position = 0;
  return {
    read(max) {
      const chunk = file.bytes.subarray(position, position + Math.min(max, MAX_READ_BYTES));
      position += chunk.length;
      return chunk.length > 0 ? chunk : undefined;
    },
  };
}

export const replace = (path, compression) => writer(path, compression, true);
export const append = (path, compression) => writer(path, compression, false);

function writer(path, compression, replaces) {
  allow(path);
  let pending = [];
  const store = () => {
    const kept = replaces ? [] : [...(state.files.get(path)?.bytes ?? [])];
    state.files.set(path, { bytes: Uint8Array.from([...kept, ...pending]), compression, modifiedMs: state.nowMs });
    pending = [];
  };
  return {
    write(bytes) {
      if (bytes.length > MAX_WRITE_BYTES) throw failed('too-large', BigInt(MAX_WRITE_BYTES));
      pending.push(...bytes);
    },
    sync: () => (replaces ? undefined : store()),
    finish: store,
  };
}

function allow(path) {
  const steps = path.split('/');
  if (steps.includes('..') || !state.folders.has(steps[0])) throw failed('denied', `\`${path}\` is in no granted folder`);
}
