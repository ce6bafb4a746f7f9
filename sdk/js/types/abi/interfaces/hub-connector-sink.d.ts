/// <reference path="./hub-connector-types.d.ts" />
declare module 'hub:connector/sink@0.1.0' {
  /**
   * `%stream` is the index given to read(). At most 16 MiB; 64 KiB to 1 MiB is the sweet spot. Blocks while downstream is full.
   */
  export function emit(stream: number, batch: Uint8Array): Ack;
  /**
   * Records that the remote reports as deleted: NDJSON of objects that hold the stream's primary key and nothing else; at most 16 MiB. In one order with
   * emit: a key deletes what was emitted before it. Refused unless the description, or the manifest, says that the stream reports deletions. Where
   * full-refresh is true there is nothing to report: what is not emitted is gone.
   */
  export function emitDeleted(stream: number, keys: Uint8Array): Ack;
  /**
   * Everything emitted before is covered by this state. Opaque to the host, at most 4 MiB, must hold no personal data.
   */
  export function checkpoint(stream: number, state: Uint8Array): void;
  export type Error = import('hub:connector/types@0.1.0').Error;
  /**
   * Counts only: no value flows back.
   */
  export interface Ack {
    /**
     * Records that the gate let through.
     */
    accepted: number,
    /**
     * Records that the gate left out under the flow's rule for invalid records.
     */
    rejected: number,
    /**
     * Undeclared fields that were dropped in this batch: the author's cue, the paths are in the host's report.
     */
    droppedFields: number,
  }
}
