/// <reference path="./hub-connector-types.d.ts" />
declare module 'hub:connector/source@0.1.0' {
  /**
   * Can the system be reached and does it accept the credential? `config` is a JSON object that the host has checked against the
   * description's schema.
   */
  export function check(config: string): void;
  /**
   * Reads all requested streams to their end.
   */
  export function read(config: string, streams: Array<StreamRequest>): Summary;
  export type Error = import('hub:connector/types@0.1.0').Error;
  /**
   * One stream to read.
   */
  export interface StreamRequest {
    /**
     * What sink.emit and pages.emit-page call the stream.
     */
    index: number,
    name: string,
    /**
     * Paths of the fields that the flow wants ("address.city"): lets the connector ask the remote for less.
     */
    fields: Array<string>,
    /**
     * The state of the last committed checkpoint; none = from the beginning.
     */
    state?: Uint8Array,
    /**
     * True: the destination is replaced as a whole, so everything must be read and state is none.
     */
    fullRefresh: boolean,
    /**
     * Stop after about so many records (a trial run); none = all.
     */
    limit?: bigint,
  }
  /**
   * What was read.
   */
  export interface Summary {
    /**
     * Records handed over, as the connector counts them.
     */
    records: bigint,
  }
}
