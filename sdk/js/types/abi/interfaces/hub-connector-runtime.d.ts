/// <reference path="./hub-connector-types.d.ts" />
declare module 'hub:connector/runtime@0.1.0' {
  /**
   * The host cuts at 8 KiB, strips control characters, keeps 1,000 lines a run and files it as potentially personal data.
   */
  export function log(level: Level, message: string): void;
  /**
   * Wall clock, milliseconds since 1970-01-01T00:00:00Z.
   */
  export function nowMs(): bigint;
  /**
   * The same clock in microseconds.
   */
  export function nowUs(): bigint;
  /**
   * Waits, at most an hour a call; more is cut to that. Ends early once the host wants the run to end: ask cancelled afterwards.
   * Requests under way go on.
   */
  export function sleepMs(ms: number): void;
  /**
   * Nanoseconds since the run began; never goes back.
   */
  export function monotonicNs(): bigint;
  /**
   * At most 4096 bytes a call; more is cut to that.
   */
  export function random(len: number): Uint8Array;
  /**
   * True once the host wants the run to end: return error.cancelled after the next checkpoint.
   */
  export function cancelled(): boolean;
  export type Level = import('hub:connector/types@0.1.0').Level;
}
