// Types of hub-sdk, over those that jco generates from wit/v0.1 (abi/, `npm run types` writes them anew).

/// <reference path="./abi/interfaces/hub-connector-types.d.ts" />
/// <reference path="./abi/interfaces/hub-connector-http.d.ts" />
/// <reference path="./abi/interfaces/hub-connector-sink.d.ts" />
/// <reference path="./abi/interfaces/hub-connector-pages.d.ts" />
/// <reference path="./abi/interfaces/hub-connector-files.d.ts" />
/// <reference path="./abi/interfaces/hub-connector-runtime.d.ts" />
/// <reference path="./abi/interfaces/hub-connector-source.d.ts" />
/// <reference path="./abi/interfaces/hub-connector-destination.d.ts" />
/// <reference path="./abi/interfaces/hub-connector-sql.d.ts" />
/// <reference path="./abi/interfaces/hub-connector-tables.d.ts" />

import type * as abiDestination from 'hub:connector/destination@0.1.0';
import type { Compression } from 'hub:connector/files@0.1.0';
import type { Header, Method, Response as Handle } from 'hub:connector/http@0.1.0';
import type { Observed, PageAck } from 'hub:connector/pages@0.1.0';
import type * as abiSource from 'hub:connector/source@0.1.0';
import type { Error as AbiError, Level } from 'hub:connector/types@0.1.0';

type Awaitable<T> = T | Promise<T>;

/** Any JSON value. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json | undefined };
/** A record, or the key of one: a JSON object. */
export type JsonRecord = { readonly [name: string]: Json | undefined };

/** The export `source` of a component. */
export interface SourceExport {
  check(config: string): Promise<void>;
  read(config: string, requests: abiSource.StreamRequest[]): Promise<abiSource.Summary>;
}

/** What a connector that reads consists of. */
export interface SourceDefinition<Config, Opened> {
  /** Makes of the configuration what the others get first; by default the configuration itself. Reaches nothing yet. */
  open?(config: Config): Awaitable<Opened>;
  /** Can the system be reached, and does it accept the credential? */
  check?(opened: Opened): unknown;
  /** Reads one stream to its end, by name. */
  streams?: { [name: string]: ReadStream<Opened> };
  /** Reads the streams that `streams` has no function for. */
  anyStream?: ReadStream<Opened>;
}

export type ReadStream<Opened> = (opened: Opened, request: StreamRequest, output: Output) => unknown;

export function source<Config, Opened = Config>(definition: SourceDefinition<Config, Opened>): SourceExport;

/** The export `destination` of a component. */
export interface DestinationExport {
  check(config: string): Promise<void>;
  open(config: string, targets: Target[]): Promise<void>;
  write(target: number, key: string, batch: Uint8Array): Promise<Report>;
  delete(target: number, key: string, keys: Uint8Array): Promise<Report>;
  flush(target: number): Promise<void>;
  finish(target: number): Promise<void>;
}

export type Target = abiDestination.Target;
export type Field = abiDestination.Field;
export type Report = abiDestination.Report;

/** What a connector that writes consists of. */
export interface DestinationDefinition<Config, Opened, Stream> {
  /** Can the system be reached and written to? */
  check?(config: Config): unknown;
  /** Comes once in a run. */
  open?(config: Config): Awaitable<Opened>;
  /** What the others get first for a stream; throws `config` for a mode or a field that cannot be. */
  target?(opened: Opened, target: Target): Awaitable<Stream>;
  /** Writes one record; a word (`too-long`, never a value) if the system does not take it. */
  put?(stream: Stream, record: any): Awaitable<string | void>;
  /** Deletes one record by its primary key; one that is not there counts as deleted. */
  remove?(stream: Stream, key: any): Awaitable<string | void>;
  /** In place of `put`, for whoever writes many at once. */
  write?(stream: Stream, batch: Batch, key: string): Awaitable<Report>;
  /** In place of `remove`, for whoever deletes many at once. */
  delete?(stream: Stream, batch: Batch, key: string): Awaitable<Report>;
  /** Everything written before is durable when this returns. */
  flush?(stream: Stream): unknown;
  /** The run was read to its end; by default `flush`. */
  finish?(stream: Stream): unknown;
}

export function destination<Config, Opened = Config, Stream = Target>(
  definition: DestinationDefinition<Config, Opened, Stream>,
): DestinationExport;

/** NDJSON, one object a line. */
export class Batch {
  constructor(bytes: Uint8Array);
  readonly bytes: Uint8Array;
  lines(): Generator<string, void>;
}

/** A line as an object; undefined: it is none. */
export function recordOf(line: string): { [name: string]: any } | undefined;

/** One stream to read. */
export class StreamRequest {
  constructor(request: Partial<abiSource.StreamRequest> & { name: string });
  readonly index: number;
  readonly name: string;
  /** Paths of the fields that the flow wants; empty: all. */
  readonly fields: string[];
  readonly fullRefresh: boolean;
  readonly limit: number | undefined;
  /** The last checkpoint's state; undefined: from the beginning. Throws `permanent` unless `isState` says that it is one. */
  state<State>(isState: (value: any) => value is State): State | undefined;
  state(isState: (value: any) => boolean): any;
  wants(field: string): boolean;
}

/** Where the records of one stream go. */
export class Output {
  constructor(request: StreamRequest);
  record(record: object): void;
  deleted(key: object): void;
  page(page: PageRequest): PageAck;
  flush(): void;
  checkpoint(state: Json): void;
  readonly isFull: boolean;
  readonly remaining: number | undefined;
  readonly records: number;
  readonly deletions: number;
  readonly rejected: number;
  readonly droppedFields: number;
}

export interface PageOptions {
  /** Fields added to each record: path to value, at most 32. */
  constants?: { [path: string]: Json };
  /** At most 16 fields, declared as not personal, whose border values are told. */
  observe?: string[];
}

export type { Observed, PageAck };

/** The array (or the single object) at an RFC 6901 pointer, to be handed over unseen. */
export class PageRequest {
  constructor(response: Response, pointer: string, options?: PageOptions);
}

export function greatest(answer: PageAck, field: string): any;

export function readPages(
  output: Output,
  pages: {
    first: Request;
    records: string;
    next(response: Response, answer: PageAck): Request | undefined;
    state?(answer: PageAck): Json | undefined;
    options?: PageOptions;
  },
): void;

export function get(url: string): Request;
export function post(url: string): Request;

/** Percent-encodes everything but unreserved characters. */
export function encode(text: string | number | boolean): string;

/** One request; each method answers with a new one. */
export class Request {
  constructor(method: Method, url: string);
  readonly method: Method;
  readonly url: string;
  readonly headers: Header[];
  readonly body: Uint8Array | undefined;
  readonly credential: string | undefined;
  readonly timeoutMs: number | undefined;
  withQuery(name: string, value: string | number | boolean): Request;
  withHeader(name: string, value: string | number): Request;
  withBody(body: string | Uint8Array): Request;
  withJson(value: Json): Request;
  withForm(fields: { [name: string]: string | number | boolean | undefined }): Request;
  withCredential(name: string): Request;
  withTimeout(milliseconds: number): Request;
  send(): Response;
  sendForSuccess(): Response;
  start(): { wait(): Response };
}

/** A response whose body is in the host. Those that are left open are closed when their stream, batch or row ends. */
export class Response {
  constructor(handle: Handle, url: string);
  readonly status: number;
  readonly headers: Header[];
  header(name: string): string | undefined;
  success(): this;
  pointer(path: string): any;
  length(path: string): number | undefined;
  chunks(): Generator<Uint8Array, void>;
  text(): string;
  json(): any;
  renewCredential(): boolean;
  close(): void;
}

/** Why a connector stops: what was being done, where, and what to do next; never a value of a record. */
export class ConnectorError extends Error {
  constructor(payload: AbiError);
  readonly payload: AbiError;
  readonly kind: AbiError['tag'];
  static config(message: string): ConnectorError;
  static auth(message: string): ConnectorError;
  static transient(message: string, afterMs?: number): ConnectorError;
  static drift(message: string): ConnectorError;
  static permanent(message: string): ConnectorError;
  static cancelled(): ConnectorError;
}

export namespace runtime {
  function log(level: Level, message: string): void;
  function info(message: string): void;
  function warn(message: string): void;
  function now(): number;
  function elapsed(): number;
  function sleep(milliseconds: number): void;
  function random(count: number): Uint8Array;
  function cancelled(): boolean;
}

export namespace files {
  interface Entry {
    path: string;
    size: bigint;
    modifiedMs: bigint;
  }
  interface Writer {
    write(bytes: Uint8Array): void;
    sync(): void;
    finish(): void;
  }
  function list(folder: string): Entry[];
  function read(path: string, compression?: Compression): Generator<Uint8Array, void>;
  function replace(path: string, compression?: Compression): Writer;
  function append(path: string, compression?: Compression): Writer;
}
