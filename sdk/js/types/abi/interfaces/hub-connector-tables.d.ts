/// <reference path="./hub-connector-sink.d.ts" />
/// <reference path="./hub-connector-sql.d.ts" />
/// <reference path="./hub-connector-types.d.ts" />
declare module 'hub:connector/tables@0.1.0' {
  /**
   * Hands the next part of the rows to the gate; none at the end. `observe` names at most 16 fields; those that may not
   * be observed are left out of the answer: whoever reads any table cannot know which columns are personal.
   */
  export function emitRows(stream: number, rows: Rows, observe: Array<string>): RowsAck | undefined;
  export type Error = import('hub:connector/types@0.1.0').Error;
  export type Rows = import('hub:connector/sql@0.1.0').Rows;
  export type SqlError = import('hub:connector/sql@0.1.0').SqlError;
  export type Ack = import('hub:connector/sink@0.1.0').Ack;
  /**
   * What the guest may learn about rows that it never sees: the first, last, least and greatest value of a field as JSON text.
   * Only of fields that the stream declares as not personal.
   */
  export interface Observed {
    field: string,
    first?: string,
    last?: string,
    min?: string,
    max?: string,
  }
  /**
   * What became of a part.
   */
  export interface RowsAck {
    ack: Ack,
    /**
     * Rows taken.
     */
    extracted: number,
    observed: Array<Observed>,
  }
  /**
   * Why a part did not get through.
   */
  export type RowsError = RowsErrorDatabase | RowsErrorEnded;
  export interface RowsErrorDatabase {
    tag: 'database',
    val: SqlError,
  }
  export interface RowsErrorEnded {
    tag: 'ended',
    val: Error,
  }
}
