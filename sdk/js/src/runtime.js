// Log, clock, waiting, entropy, and the host's wish to end. The sandbox has none of its own.

import * as host from '#host/runtime';

const LONGEST_SLEEP_MS = 3_600_000;
const MOST_RANDOM_BYTES = 4096;

/** Writes a log line of a level (`debug`, `info`, `warn`, `error`). Never a value of a record. */
export const log = (level, message) => host.log(level, message);

/** A log line of level `info`. */
export const info = (message) => log('info', message);

/** A log line of level `warn`. */
export const warn = (message) => log('warn', message);

/** Wall clock: milliseconds since 1970-01-01T00:00:00Z. */
export const now = () => Number(host.nowMs());

/** Milliseconds since the run began; never goes back. */
export const elapsed = () => Number(host.monotonicNs()) / 1e6;

/** Waits; ends early once the host wants the run to end, which `cancelled` then tells. */
export function sleep(milliseconds) {
  for (let rest = Math.ceil(milliseconds); rest > 0 && !cancelled(); rest -= LONGEST_SLEEP_MS) {
    host.sleepMs(Math.min(rest, LONGEST_SLEEP_MS));
  }
}

/** Random bytes from the host. */
export function random(count) {
  const bytes = new Uint8Array(count);
  for (let at = 0; at < count; at += MOST_RANDOM_BYTES) bytes.set(host.random(Math.min(count - at, MOST_RANDOM_BYTES)), at);
  return bytes;
}

/** True once the host wants the run to end. `Output.checkpoint` asks by itself. */
export const cancelled = () => host.cancelled();
