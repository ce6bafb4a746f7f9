declare module 'hub:connector/types@0.1.0' {
  /**
   * One HTTP header. Names are compared without case.
   */
  export interface Header {
    name: string,
    value: string,
  }
  /**
   * Details of a transient error.
   */
  export interface Retry {
    message: string,
    /**
     * The least delay before the next try, in milliseconds (from Retry-After).
     */
    afterMs?: number,
  }
  /**
   * How an error should be treated by the scheduler, not where it came from. The text is shown to the operator: at most 2 KiB
   * are kept, and it must hold no value of a record.
   */
  export type Error = ErrorConfig | ErrorAuth | ErrorTransient | ErrorSchemaDrift | ErrorPermanent | ErrorCancelled;
  /**
   * The operator must mend the configuration: never retried.
   */
  export interface ErrorConfig {
    tag: 'config',
    val: string,
  }
  /**
   * The remote refused the credential: never retried.
   */
  export interface ErrorAuth {
    tag: 'auth',
    val: string,
  }
  /**
   * Worth another try later.
   */
  export interface ErrorTransient {
    tag: 'transient',
    val: Retry,
  }
  /**
   * The remote no longer matches the declared schema: the run stops.
   */
  export interface ErrorSchemaDrift {
    tag: 'schema-drift',
    val: string,
  }
  /**
   * Will fail again in the same way.
   */
  export interface ErrorPermanent {
    tag: 'permanent',
    val: string,
  }
  /**
   * The answer to runtime.cancelled or to a refused call: the connector stopped because the host asked for it.
   */
  export interface ErrorCancelled {
    tag: 'cancelled',
  }
  /**
   * Severity of a log line.
   * # Variants
   * 
   * ## `"debug"`
   * 
   * ## `"info"`
   * 
   * ## `"warn"`
   * 
   * ## `"error"`
   */
  export type Level = 'debug' | 'info' | 'warn' | 'error';
}
