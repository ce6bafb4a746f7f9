/// <reference path="./hub-connector-types.d.ts" />
declare module 'hub:connector/http@0.1.0' {
  /**
   * Sends one request and waits for the whole response (at most 64 MiB, kept in the host).
   */
  export function fetch(req: Request): Response;
  /**
   * Runs up to 16 requests at once, at most 256 a call; answers in the order of the requests.
   */
  export function fetchMany(reqs: Array<Request>): Array<Result<Response, FetchError>>;
  /**
   * Sends one request in the background, while the guest goes on. At most 16 may be under way: started, neither waited for nor dropped.
   */
  export function start(req: Request): Pending;
  export type Header = import('hub:connector/types@0.1.0').Header;
  /**
   * Request methods. Only get, head, options, report and propfind read; the others count as writes.
   * # Variants
   * 
   * ## `"get"`
   * 
   * ## `"head"`
   * 
   * ## `"post"`
   * 
   * ## `"put"`
   * 
   * ## `"patch"`
   * 
   * ## `"delete"`
   * 
   * ## `"options"`
   * 
   * ## `"report"`
   * 
   * WebDAV's question to a collection (RFC 3253): safe, with a body that says what is asked for.
   * ## `"propfind"`
   * 
   * WebDAV's question for properties (RFC 4918): safe, with a body that names them.
   */
  export type Method = 'get' | 'head' | 'post' | 'put' | 'patch' | 'delete' | 'options' | 'report' | 'propfind';
  /**
   * One request.
   */
  export interface Request {
    method: Method,
    /**
     * Absolute https URL, at most 8 KiB; userinfo is refused. http only for an origin that the manifest grants as http.
     */
    url: string,
    /**
     * At most 64 headers and 16 KiB in sum. host, content-length, connection and authorization-like headers belong to the host.
     */
    headers: Array<Header>,
    /**
     * At most 4 MiB.
     */
    body?: Uint8Array,
    /**
     * NAME of a credential binding of the manifest. The host injects the secret for the origins that the binding lists;
     * the guest never sees it. none = anonymous request.
     */
    credential?: string,
    /**
     * none = 30 s; the host caps it at 120 s.
     */
    timeoutMs?: number,
  }
  /**
   * Why a credential could not be made ready. Nothing of the login's answer but its status reaches the text.
   */
  export interface CredentialFault {
    /**
     * True: the configuration is wrong (the login was refused). False: the other side failed, another try may help.
     */
    config: boolean,
    message: string,
  }
  /**
   * Why there is no response, or no part of one.
   */
  export type FetchError = FetchErrorDenied | FetchErrorTimeout | FetchErrorTooLarge | FetchErrorDns | FetchErrorTls | FetchErrorTransport | FetchErrorMalformed | FetchErrorCredential;
  /**
   * Not granted: origin, address, scheme, credential, redirect or read of a body. Never retried; the run stops.
   */
  export interface FetchErrorDenied {
    tag: 'denied',
    val: string,
  }
  export interface FetchErrorTimeout {
    tag: 'timeout',
  }
  /**
   * The body is larger than the host allows; the limit in bytes.
   */
  export interface FetchErrorTooLarge {
    tag: 'too-large',
    val: bigint,
  }
  export interface FetchErrorDns {
    tag: 'dns',
    val: string,
  }
  export interface FetchErrorTls {
    tag: 'tls',
    val: string,
  }
  export interface FetchErrorTransport {
    tag: 'transport',
    val: string,
  }
  /**
   * The body is not JSON, or the pointer is not one (RFC 6901).
   */
  export interface FetchErrorMalformed {
    tag: 'malformed',
    val: string,
  }
  /**
   * The credential could not be made ready: a login or the exchange of a token failed. The request itself was not sent.
   */
  export interface FetchErrorCredential {
    tag: 'credential',
    val: CredentialFault,
  }
  export type Result<T, E> = { tag: 'ok', val: T } | { tag: 'err', val: E };
  
  export class Pending implements Disposable {
    /**
     * This type does not have a public constructor.
     */
    private constructor();
    /**
    * Waits for the whole response. What was wrong with the request itself is told here, too.
    */
    static wait(this_: Pending): Response;
    [Symbol.dispose](): void;
  }
  
  export class Response implements Disposable {
    /**
     * This type does not have a public constructor.
     */
    private constructor();
    /**
    * The status code of the last answer of a chain of redirects.
    */
    status(): number;
    /**
    * At most 64 KiB of headers; credentials are blackened.
    */
    headers(): Array<Header>;
    /**
    * The first header of that name.
    */
    header(name: string): string | undefined;
    /**
    * JSON text of the scalar, or of the container of at most 64 KiB, at an RFC 6901 pointer; none = absent. A pointer that reaches into an
    * array, or a container that holds one, needs the read-body grant: records live there.
    */
    pointer(path: string): string | undefined;
    /**
    * Number of elements of the array at the pointer; none = absent or not an array. Needs no grant.
    */
    length(path: string): number | undefined;
    /**
    * The next chunk of the body (at most max bytes, capped at 1 MiB), none at its end. Needs the read-body grant.
    */
    read(max: number): Uint8Array | undefined;
    /**
    * The remote rejected the credential that the request was sent with: makes the host get a new token, unless it has a newer one already.
    * True: sending the request again uses another token. False: this credential has nothing to be renewed.
    */
    renew(): boolean;
    [Symbol.dispose](): void;
  }
}
