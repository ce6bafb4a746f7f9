// Outbound HTTP through the host. The body stays there: a connector steers by pointers; reading a body is a grant of its own.

import * as host from '#host/http';
import { calling, ConnectorError, ofFetch } from './errors.js';
import { closed, opened } from './open.js';

/** The most that one read of a body brings over, in bytes. */
const CHUNK_BYTES = 256 << 10;
const MOST_MILLISECONDS = 0xffff_ffff;
const DISPOSE = Symbol.dispose ?? Symbol.for('dispose');
const encoder = new TextEncoder();

/** GET. */
export const get = (url) => new Request('get', url);

/** POST. */
export const post = (url) => new Request('post', url);

/** A request; each method answers with a new one. */
export class Request {
  constructor(method, url, rest = {}) {
    Object.assign(this, { headers: [], body: undefined, credential: undefined, timeoutMs: undefined }, rest, { method, url });
  }

  /** Adds a parameter to the query, percent-encoded. */
  withQuery(name, value) {
    return this.#with({ url: `${this.url}${this.url.includes('?') ? '&' : '?'}${encode(name)}=${encode(value)}` });
  }

  /** Adds a header. Those that carry a credential, a host or a length are the host's. */
  withHeader(name, value) {
    return this.#with({ headers: [...this.headers, { name, value: String(value) }] });
  }

  /** The body: bytes or text, at most 4 MiB. */
  withBody(body) {
    return this.#with({ body: typeof body === 'string' ? encoder.encode(body) : body });
  }

  /** A JSON body with its content type. */
  withJson(value) {
    return this.withHeader('content-type', 'application/json').withBody(JSON.stringify(value));
  }

  /** A body as HTML forms send it, with its content type; what is undefined is left out. */
  withForm(fields) {
    const given = Object.entries(fields).filter(([, value]) => value !== undefined);
    const text = given.map(([name, value]) => `${encode(name)}=${encode(value)}`).join('&');
    return this.withHeader('content-type', 'application/x-www-form-urlencoded').withBody(text);
  }

  /** Names the credential of the manifest that the host puts in. Without: an anonymous request. */
  withCredential(name) {
    return this.#with({ credential: name });
  }

  /** How long to wait: 30 s without this, 120 s at most. */
  withTimeout(milliseconds) {
    return this.#with({ timeoutMs: milliseconds });
  }

  /** Sends it and waits for the whole response. Any status is a response. */
  send() {
    return new Response(calling(ofFetch, () => host.fetch(this.#plain())), this.url);
  }

  /** `send` and `success` in one. */
  sendForSuccess() {
    return this.send().success();
  }

  /** Sends it in the background; `wait` on the answer gives the response. At most 16 may be under way. */
  start() {
    const pending = host.start(this.#plain());
    return { wait: () => new Response(calling(ofFetch, () => host.Pending.wait(pending)), this.url) };
  }

  #with(change) {
    const { method, url, ...rest } = { ...this, ...change };
    return new Request(method, url, rest);
  }

  #plain() {
    return { ...this };
  }
}

/** A response whose body is in the host. */
export class Response {
  #handle;
  #url;

  constructor(handle, url) {
    this.#handle = handle;
    this.#url = url;
    opened(this);
  }

  /** The status code. */
  get status() {
    return this.#held().status();
  }

  /** All headers: `{ name, value }`. */
  get headers() {
    return this.#held().headers();
  }

  /** The first header of this name, whatever its case. */
  header(name) {
    return this.#held().header(name);
  }

  /** Lets 2xx pass and names the rest: 401 and 403 are `auth`, 408, 429 and 5xx `transient` with Retry-After, anything else `permanent`. */
  success() {
    const status = this.status;
    if (status >= 200 && status < 300) return this;
    const message = `${this.#url.split(/[?#]/)[0]} answered with status ${status}`;
    const afterMs = retryAfter(this.header('retry-after'));
    this.close();
    if (status === 401 || status === 403) throw ConnectorError.auth(message);
    if (status === 408 || status === 429 || (status >= 500 && status < 600)) throw ConnectorError.transient(message, afterMs);
    throw ConnectorError.permanent(message);
  }

  /** The value at an RFC 6901 pointer; undefined: absent. Needs no grant unless it reaches into an array. */
  pointer(path) {
    const text = calling(ofFetch, () => this.#held().pointer(path));
    return text === undefined ? undefined : JSON.parse(text);
  }

  /** Number of elements of the array at the pointer; undefined: absent, or no array. Needs no grant. */
  length(path) {
    return calling(ofFetch, () => this.#held().length(path));
  }

  /** The body in pieces. Needs the read-body grant. */
  *chunks() {
    for (;;) {
      const chunk = calling(ofFetch, () => this.#held().read(CHUNK_BYTES));
      if (chunk === undefined) return;
      yield chunk;
    }
  }

  /** The whole body as text; closes the response. Needs the read-body grant. */
  text() {
    const decoder = new TextDecoder();
    let text = '';
    for (const chunk of this.chunks()) text += decoder.decode(chunk, { stream: true });
    this.close();
    return text + decoder.decode();
  }

  /** The whole body as JSON; closes the response. Needs the read-body grant; prefer pages. */
  json() {
    const text = this.text();
    try {
      return JSON.parse(text);
    } catch {
      throw ConnectorError.drift('a response body is not JSON');
    }
  }

  /** Makes the host get a new token after the remote rejected the credential. True: another try uses another token. */
  renewCredential() {
    return calling(ofFetch, () => this.#held().renew());
  }

  /** Lets go of the body in the host. Nothing can be read afterwards. */
  close() {
    closed(this);
    this.#handle?.[DISPOSE]?.();
    this.#handle = undefined;
  }

  /** For the host's own calls (`PageRequest`). */
  get handle() {
    return this.#held();
  }

  #held() {
    if (this.#handle === undefined) throw ConnectorError.permanent('the connector reads a response that it has closed');
    return this.#handle;
  }
}

function retryAfter(text) {
  const seconds = /^\s*\d+\s*$/.test(text ?? '') ? Number(text) : undefined;
  return seconds === undefined ? undefined : Math.min(seconds * 1000, MOST_MILLISECONDS);
}

/** Percent-encodes everything but unreserved characters. */
export function encode(text) {
  return encodeURIComponent(String(text)).replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);
}
