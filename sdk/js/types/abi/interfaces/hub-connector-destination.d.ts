/// <reference path="./hub-connector-types.d.ts" />
declare module 'hub:connector/destination@0.1.0' {
  /**
   * Can the system be reached and written to?
   */
  export function check(config: string): void;
  /**
   * Called once, first.
   */
  export function open(config: string, targets: Array<Target>): void;
  /**
   * NDJSON, at most 16 MiB. `idempotency-key` is the same when the same batch is delivered again.
   */
  export function write(target: number, idempotencyKey: string, batch: Uint8Array): Report;
  /**
   * Deletes records by their primary key: NDJSON of objects that hold it as the target names it, and nothing else; at most 16 MiB. In one order with
   * write. A record that is not there is deleted: it counts as written. Called only if the description says `deletes`.
   */
  export { _delete as delete };
  function _delete(target: number, idempotencyKey: string, keys: Uint8Array): Report;
  /**
   * Everything written before is durable when this returns; the host commits its checkpoint after that.
   */
  export function flush(target: number): void;
  /**
   * The run was read to its end: flush, and put a replacement in its place.
   */
  export function finish(target: number): void;
  export type Error = import('hub:connector/types@0.1.0').Error;
  /**
   * What happens to earlier content.
   * # Variants
   * 
   * ## `"append"`
   * 
   * Kept; records are added.
   * ## `"replace"`
   * 
   * Replaced as a whole when finish is called, not before.
   * ## `"upsert"`
   * 
   * Records with the same primary key are overwritten.
   */
  export type Mode = 'append' | 'replace' | 'upsert';
  /**
   * What the values of a field are, where the source says it; else text.
   * # Variants
   * 
   * ## `"text"`
   * 
   * ## `"integer"`
   * 
   * ## `"number"`
   * 
   * With a fraction, digits kept.
   * ## `"boolean"`
   * 
   * ## `"timestamp"`
   * 
   * RFC 3339.
   * ## `"date"`
   * 
   * ## `"json"`
   * 
   * Objects, lists, and what is of several types.
   */
  export type Kind = 'text' | 'integer' | 'number' | 'boolean' | 'timestamp' | 'date' | 'json';
  /**
   * One top-level field of what arrives.
   */
  export interface Field {
    name: string,
    kind: Kind,
    /**
     * Category and purpose, for a comment: `user.contact.email, for customer-care`.
     */
    about: string,
  }
  /**
   * One stream to write.
   */
  export interface Target {
    /**
     * What write, flush and finish call the stream.
     */
    index: number,
    name: string,
    mode: Mode,
    primaryKey: Array<string>,
    /**
     * The top-level fields in the order of the manifest.
     */
    fields: Array<Field>,
  }
  /**
   * A record that the system would not take; `row` counts from 0 inside the batch. `code` is the connector's own word, never a value.
   */
  export interface RowError {
    row: number,
    code: string,
  }
  /**
   * What became of a batch.
   */
  export interface Report {
    written: number,
    failed: Array<RowError>,
  }
}
