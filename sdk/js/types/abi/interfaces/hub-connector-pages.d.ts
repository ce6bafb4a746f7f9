/// <reference path="./hub-connector-http.d.ts" />
/// <reference path="./hub-connector-sink.d.ts" />
/// <reference path="./hub-connector-types.d.ts" />
declare module 'hub:connector/pages@0.1.0' {
  /**
   * Hands the array (or the single object) under `pointer` to the gate. `constants` are fields added to each record: path and JSON text,
   * at most 32. `observe` names at most 16 fields. A pointer without a value there yields no record.
   */
  export function emitPage(stream: number, page: Response, pointer: string, constants: Array<[string, string]>, observe: Array<string>): PageAck;
  export type Error = import('hub:connector/types@0.1.0').Error;
  export type Response = import('hub:connector/http@0.1.0').Response;
  export type Ack = import('hub:connector/sink@0.1.0').Ack;
  /**
   * What the guest may learn about records that it never sees: the first, last, least and greatest value of a field as JSON text.
   * Only fields that the stream declares as not personal can be observed.
   */
  export interface Observed {
    field: string,
    first?: string,
    last?: string,
    min?: string,
    max?: string,
  }
  /**
   * What became of a page.
   */
  export interface PageAck {
    ack: Ack,
    /**
     * Records found under the pointer.
     */
    extracted: number,
    observed: Array<Observed>,
  }
}
