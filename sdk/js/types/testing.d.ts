// Types of hub-sdk/testing: a host in memory for a connector's unit tests.

import type { FetchError, Request } from 'hub:connector/http@0.1.0';
import type { Level } from 'hub:connector/types@0.1.0';
import type { StreamRequest } from 'hub:connector/source@0.1.0';
import type { DestinationExport, Field, JsonRecord, Report, SourceExport, Target } from './index.js';

/** The host of this process. Making one forgets everything before. */
export class FakeHost {
  serve(server: (request: Request) => Answer | ReturnType<typeof Answer.fault>): void;
  grantReadBody(): void;
  grantFolder(name: string): void;
  putFile(path: string, content: string | Uint8Array, compression?: 'none' | 'gzip'): void;
  file(path: string): string | undefined;
  setNow(milliseconds: number): void;
  cancelAfterCheckpoints(count: number): void;
  batchSizes(stream: number): number[];
  records(stream: number): { [name: string]: any }[];
  deleted(stream: number): { [name: string]: any }[];
  checkpoints(stream: number): Uint8Array[];
  readonly logs: { level: Level; message: string }[];
  readonly requests: Request[];
  readonly sleeps: number[];
  readonly responses: { open: number; most: number };
}

/** A prepared response. */
export class Answer {
  constructor(status: number, body?: string | Uint8Array, headers?: { [name: string]: string });
  readonly status: number;
  static json(value: unknown, status?: number): Answer;
  static fault<Tag extends FetchError['tag']>(tag: Tag, val?: Extract<FetchError, { tag: Tag }> extends { val: infer Value } ? Value : undefined): { fault: FetchError };
}

export function read(source: SourceExport, config: object, requests: (Partial<StreamRequest> & { name: string })[]): Promise<number>;
export function check(connector: SourceExport | DestinationExport, config: object): Promise<void>;
export function write(
  destination: DestinationExport,
  config: object,
  targets: (Partial<Omit<Target, 'fields'>> & { name: string; fields: (string | (Partial<Field> & { name: string }))[] })[],
): Promise<Writer>;

/** A destination being written to. */
export interface Writer {
  write(target: number, records: (JsonRecord | string)[], key?: string): Promise<Report>;
  delete(target: number, keys: (JsonRecord | string)[], key?: string): Promise<Report>;
  flush(target: number): Promise<void>;
  finish(target: number): Promise<void>;
}
