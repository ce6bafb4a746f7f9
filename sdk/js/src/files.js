// Files of granted folders. A path is `FOLDER/relative/name`, FOLDER being the name of a folder grant of the manifest.

import * as host from '#host/files';
import { calling, ConnectorError } from './errors.js';

const CHUNK_BYTES = 256 << 10;

/** The regular files directly inside a folder, by name: `{ path, size, modifiedMs }`. */
export const list = (folder) => calling(ofFile, () => host.list(folder));

/** The bytes of a file in pieces, plain whatever its compression (`none`, `gzip`). */
export function* read(path, compression = 'none') {
  const reader = calling(ofFile, () => host.open(path, compression));
  for (;;) {
    const chunk = calling(ofFile, () => reader.read(CHUNK_BYTES));
    if (chunk === undefined) return;
    yield chunk;
  }
}

/** A new version beside the file; the old one stays until `finish`. */
export const replace = (path, compression = 'none') => new Writer(calling(ofFile, () => host.replace(path, compression)));

/** Writes behind the file's end. */
export const append = (path, compression = 'none') => new Writer(calling(ofFile, () => host.append(path, compression)));

class Writer {
  #handle;

  constructor(handle) {
    this.#handle = handle;
  }

  /** At most 16 MiB a call. */
  write(bytes) {
    calling(ofFile, () => this.#handle.write(bytes));
  }

  /** Makes durable what was written. */
  sync() {
    calling(ofFile, () => this.#handle.sync());
  }

  /** Ends the file; of `replace`: puts it in the place of the old one. */
  finish() {
    calling(ofFile, () => this.#handle.finish());
  }
}

function ofFile({ tag, val }) {
  switch (tag) {
    case 'denied':
      return ConnectorError.cancelled();
    case 'not-found':
      return ConnectorError.permanent(`there is no file \`${val}\``);
    case 'too-large':
      return ConnectorError.permanent(`a file, or a line of one, is over the limit of ${val} bytes`);
    default:
      return ConnectorError.permanent(`a file cannot be used: ${val}`);
  }
}
