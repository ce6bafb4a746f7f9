// Clock, waiting, chance and log of the fake host: the same on every machine, and nobody waits.

import { state } from '../state.js';

const MAX_SLEEP_MS = 3_600_000;
const MAX_RANDOM_BYTES = 4096;

export const log = (level, message) => void state.logs.push({ level, message });

export const nowMs = () => BigInt(state.nowMs);

/** Each call a microsecond later. */
export function monotonicNs() {
  state.calls += 1;
  return BigInt(state.calls) * 1000n;
}

/** The clock goes on by as much. */
export function sleepMs(milliseconds) {
  const slept = Math.min(milliseconds, MAX_SLEEP_MS);
  state.nowMs += slept;
  state.sleeps.push(slept);
}

/** A fixed sequence. */
export function random(count) {
  return Uint8Array.from({ length: Math.min(count, MAX_RANDOM_BYTES) }, () => {
    state.calls = (Math.imul(state.calls, 1_664_525) + 1_013_904_223) >>> 0;
    return state.calls >>> 24;
  });
}

export const cancelled = () => state.checkpoints.length >= state.cancelAfterCheckpoints;
