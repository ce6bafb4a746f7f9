// HTTP as the fake host answers it: from a test's own server, and with the rules of the grant to read bodies.

import { failed, state } from '../state.js';

const MAX_READ_BYTES = 1 << 20;
const MAX_UNDER_WAY = 16;
const DISPOSE = Symbol.dispose ?? Symbol.for('dispose');
const decoder = new TextDecoder();
let underWay = 0;

export function fetch(request) {
  state.requests.push(request);
  if (state.server === undefined) throw failed('transport', 'the fake host serves nothing: call serve() first');
  const answer = state.server(request);
  if (answer.fault) throw failed(answer.fault.tag, answer.fault.val);
  return new Response(answer);
}

export function start(request) {
  underWay += 1;
  return new Pending(request, underWay > MAX_UNDER_WAY);
}

/** A request under way: answered when it is waited for. */
export class Pending {
  constructor(request, isOver) {
    Object.assign(this, { request, isOver });
  }

  static wait({ request, isOver }) {
    underWay -= 1;
    if (isOver) throw failed('denied', `fake host: more than ${MAX_UNDER_WAY} requests are under way`);
    return fetch(request);
  }
}

/** A prepared answer, handed out. */
class Response {
  #answer;
  #position = 0;

  constructor(answer) {
    this.#answer = answer;
    state.open += 1;
    state.mostOpen = Math.max(state.mostOpen, state.open);
  }

  status() {
    return this.#answer.status;
  }

  headers() {
    return this.#answer.headers;
  }

  header(name) {
    return this.#answer.headers.find((header) => header.name.toLowerCase() === name.toLowerCase())?.value;
  }

  pointer(path) {
    const steps = stepsOf(path);
    const value = at(this.value(), steps);
    if (value === undefined) return undefined;
    const throughArray = steps.some((_, end) => Array.isArray(at(this.value(), steps.slice(0, end))));
    if ((throughArray || holdsArray(value)) && !state.readBody) {
      throw failed('denied', `\`${path}\` reaches into an array, which needs the read-body grant`);
    }
    return JSON.stringify(value);
  }

  length(path) {
    const value = at(this.value(), stepsOf(path));
    return Array.isArray(value) ? value.length : undefined;
  }

  read(max) {
    if (!state.readBody) throw failed('denied', 'reading a body needs the read-body grant');
    const chunk = this.#answer.body.subarray(this.#position, this.#position + Math.min(max, MAX_READ_BYTES));
    this.#position += chunk.length;
    return chunk.length > 0 ? chunk : undefined;
  }

  /** No credential of the fake host expires. */
  renew() {
    return false;
  }

  /** The body as JSON, for the fake host's own pages. */
  value() {
    try {
      return JSON.parse(decoder.decode(this.#answer.body));
    } catch {
      throw failed('malformed', 'the body is not JSON');
    }
  }

  [DISPOSE]() {
    state.open -= 1;
  }
}

const stepsOf = (path) => path.split('/').slice(1).map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));

/** The value at a pointer; undefined: absent. */
export function at(value, steps) {
  return steps.reduce((found, step) => (Object.hasOwn(Object(found), step) ? found[step] : undefined), value);
}

/** The value at an RFC 6901 pointer. */
export const pointed = (value, path) => at(value, stepsOf(path));

const holdsArray = (value) =>
  Array.isArray(value) || (value !== null && typeof value === 'object' && Object.values(value).some(holdsArray));
