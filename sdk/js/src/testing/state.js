// What the fake host knows: prepared by a test, written by the connector's calls. One for the process: tests of one file run one after the other.

export const state = {};

/** A host without answers, folders and grants; its clock stands at 2026-01-01T00:00:00Z. */
export function forget() {
  for (const name of Object.keys(state)) delete state[name];
  Object.assign(state, {
    batches: [],
    deleted: [],
    checkpoints: [],
    logs: [],
    requests: [],
    server: undefined,
    folders: new Set(),
    files: new Map(),
    nowMs: 1_767_225_600_000,
    calls: 0,
    sleeps: [],
    open: 0,
    mostOpen: 0,
    readBody: false,
    cancelAfterCheckpoints: Infinity,
  });
}

forget();

/** What the bindings of a component throw: the error of the ABI in `payload`. */
export function failed(tag, val) {
  const error = new Error(`fake host: ${tag}`);
  error.payload = { tag, val };
  return error;
}
