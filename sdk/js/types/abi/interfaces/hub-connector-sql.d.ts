declare module 'hub:connector/sql@0.1.0' {
  /**
   * Connects, if the run has not yet.
   */
  export function dialectOf(database: string): Dialect;
  /**
   * The columns of a table that the manifest mentions; none = there is no such table.
   */
  export function describe(database: string, table: TableName): Array<Column> | undefined;
  /**
   * Runs one statement of at most 32 KiB without an answer; says how many rows it touched.
   */
  export function execute(database: string, statement: string, parameters: Array<Value>): bigint;
  /**
   * Adds NDJSON records, at most 16 MiB, as fast as the database can (COPY). A missing field is NULL. `skip` names records to leave out, at most
   * 10,000. All of them are added or none.
   */
  export function load(database: string, table: TableName, columns: Array<Shaped>, records: Uint8Array, skip: Uint32Array): number;
  /**
   * Runs one SELECT. In PostgreSQL each column is to be cast to text; `columns` says what it becomes. One query at a time.
   */
  export function query(database: string, statement: string, parameters: Array<Value>, columns: Array<Shaped>): Rows;
  /**
   * Which SQL a database speaks.
   * # Variants
   * 
   * ## `"postgres"`
   * 
   * ## `"sqlite"`
   */
  export type Dialect = 'postgres' | 'sqlite';
  /**
   * What the database said.
   */
  export interface Failure {
    /**
     * SQLSTATE, `sqlite-NUMBER`, or a word: `connection`, `nul-in-text`, `not-base64`.
     */
    code: string,
    /**
     * True: another try later may work.
     */
    passing: boolean,
    message: string,
    /**
     * The record of a load that is to blame, from 0.
     */
    row?: number,
  }
  /**
   * Why a database did not do it. Texts hold names and codes, never values.
   */
  export type SqlError = SqlErrorDenied | SqlErrorFailed;
  /**
   * Not granted, or never allowed. The run stops.
   */
  export interface SqlErrorDenied {
    tag: 'denied',
    val: string,
  }
  /**
   * What failed took back its own effects and nothing else.
   */
  export interface SqlErrorFailed {
    tag: 'failed',
    val: Failure,
  }
  /**
   * A parameter: `$1` (PostgreSQL) or `?1` (SQLite). PostgreSQL wants the very type: cast where it is another, `$1::text::numeric`.
   */
  export type Value = ValueNull | ValueBoolean | ValueInteger | ValueText | ValueBytes;
  export interface ValueNull {
    tag: 'null',
  }
  export interface ValueBoolean {
    tag: 'boolean',
    val: boolean,
  }
  export interface ValueInteger {
    tag: 'integer',
    val: bigint,
  }
  export interface ValueText {
    tag: 'text',
    val: string,
  }
  export interface ValueBytes {
    tag: 'bytes',
    val: Uint8Array,
  }
  /**
   * How a value stands in a record.
   * # Variants
   * 
   * ## `"text"`
   * 
   * ## `"number"`
   * 
   * A JSON number with all its digits.
   * ## `"boolean"`
   * 
   * ## `"json"`
   * 
   * JSON of any kind.
   * ## `"timestamp"`
   * 
   * RFC 3339 in UTC.
   * ## `"bytes"`
   * 
   * Base64.
   * ## `"array"`
   * 
   * A JSON array of plain values; for load only.
   */
  export type Form = 'text' | 'number' | 'boolean' | 'json' | 'timestamp' | 'bytes' | 'array';
  /**
   * A column of an answer or of a load, by its name in the record.
   */
  export interface Shaped {
    name: string,
    form: Form,
  }
  /**
   * A column as the database describes it.
   */
  export interface Column {
    name: string,
    /**
     * The database's own name of the type.
     */
    kind: string,
    nullable: boolean,
    /**
     * Place in the primary key, from 1; 0 = not in it.
     */
    key: number,
  }
  /**
   * A table by its schema; SQLite's is `main`, that of tables which last as long as the run `pg_temp` or `temp`.
   */
  export interface TableName {
    schema: string,
    table: string,
  }
  
  export class Rows implements Disposable {
    /**
     * This type does not have a public constructor.
     */
    private constructor();
    /**
    * The next part as a JSON array of records, none at the end. Needs the read-body grant: the blind path is tables.emit-rows.
    */
    read(): Uint8Array | undefined;
    [Symbol.dispose](): void;
  }
}
