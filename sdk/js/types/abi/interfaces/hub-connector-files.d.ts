declare module 'hub:connector/files@0.1.0' {
  /**
   * The regular files directly inside a folder, by name; at most 10,000.
   */
  export function list(folder: string): Array<Entry>;
  /**
   * Opens a file of a folder granted for reading.
   */
  export function open(path: string, compression: Compression): Reader;
  /**
   * Writes a new version beside the file; the old one stays until finish.
   */
  export function replace(path: string, compression: Compression): Writer;
  /**
   * Writes behind the file's end. What an interrupted run left behind the last committed length is cut off first.
   */
  export function append(path: string, compression: Compression): Writer;
  /**
   * Why there is no file, or no part of one.
   */
  export type FileError = FileErrorDenied | FileErrorNotFound | FileErrorTooLarge | FileErrorFailed;
  /**
   * Folder not granted, wrong direction, or a path that leads out of it. The run stops.
   */
  export interface FileErrorDenied {
    tag: 'denied',
    val: string,
  }
  export interface FileErrorNotFound {
    tag: 'not-found',
    val: string,
  }
  /**
   * Over the host's limit, in bytes (a line of a bomb, an unpacked size).
   */
  export interface FileErrorTooLarge {
    tag: 'too-large',
    val: bigint,
  }
  /**
   * The operating system's answer, without a path of the machine.
   */
  export interface FileErrorFailed {
    tag: 'failed',
    val: string,
  }
  /**
   * How the bytes are stored. The guest always sees them plain.
   * # Variants
   * 
   * ## `"none"`
   * 
   * ## `"gzip"`
   */
  export type Compression = 'none' | 'gzip';
  /**
   * One file of a folder.
   */
  export interface Entry {
    path: string,
    size: bigint,
    modifiedMs: bigint,
  }
  
  export class Reader implements Disposable {
    /**
     * This type does not have a public constructor.
     */
    private constructor();
    /**
    * The next bytes (at most max, capped at 1 MiB), none at the end.
    */
    read(max: number): Uint8Array | undefined;
    [Symbol.dispose](): void;
  }
  
  export class Writer implements Disposable {
    /**
     * This type does not have a public constructor.
     */
    private constructor();
    /**
    * At most 16 MiB a call.
    */
    write(bytes: Uint8Array): void;
    /**
    * Makes what was written durable. For `append` it is visible and kept by a later recovery only after the host commits.
    */
    sync(): void;
    /**
    * Ends the file. For `replace`: makes it durable and puts it in the place of the old one in one step; without finish nothing changes.
    */
    finish(): void;
    [Symbol.dispose](): void;
  }
}
