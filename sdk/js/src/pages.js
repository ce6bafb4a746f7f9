// The blind path: the records of a response go to the gate inside the host and never enter the sandbox.

import * as host from '#host/pages';
import { calling, ConnectorError, ofHost } from './errors.js';
import { cancelled } from './runtime.js';

/** A page to hand over: `output.page(new PageRequest(response, '/data', { observe: ['changed_at'] }))`. */
export class PageRequest {
  #response;
  #pointer;
  #constants;
  #observe;

  /**
   * The array (or the single object) at an RFC 6901 pointer; no value there: no record. `constants`: fields added to each record, path to value, at
   * most 32. `observe`: at most 16 fields, declared as not personal, whose border values are told.
   */
  constructor(response, pointer, { constants = {}, observe = [] } = {}) {
    this.#response = response;
    this.#pointer = pointer;
    this.#constants = Object.entries(constants).map(([path, value]) => [path, JSON.stringify(value)]);
    this.#observe = observe;
  }

  /** What `Output.page` calls. */
  emit(stream) {
    return calling(ofHost, () => host.emitPage(stream, this.#response.handle, this.#pointer, this.#constants, this.#observe));
  }
}

/** The greatest value of an observed field in an answer of `Output.page`; undefined: no record had one. */
export function greatest(answer, field) {
  const { max } = answer.observed.find((observed) => observed.field === field) ?? {};
  return max === undefined ? undefined : JSON.parse(max);
}

/**
 * Hands over page after page, beginning with the request `first`, until `next` gives no further one or the output is full. `next(response, answer)` answers
 * with the request for the following page, or undefined; `records` is the pointer to a page's records, `options` is `PageRequest`'s. `state(answer)`, where
 * given, is called after each page: what it gives, unless undefined, is the state to go on from. The host's wish to end is obeyed after each page. A page
 * that leads to itself is an error: a remote that ignores which page it is asked for would be read for ever.
 */
export function readPages(output, { first, records, next, state, options }) {
  for (let request = first; request !== undefined && !output.isFull; ) {
    const response = request.sendForSuccess();
    const answer = output.page(new PageRequest(response, records, options));
    const following = next(response, answer);
    response.close();
    if (following !== undefined && isSame(following, request)) {
      throw ConnectorError.drift('a page leads to itself: the remote does not heed which page it is asked for');
    }
    request = following;
    const reached = state?.(answer);
    if (reached !== undefined) output.checkpoint(reached);
    else if (cancelled()) throw ConnectorError.cancelled();
  }
}

function isSame(left, right) {
  return left.method === right.method && left.url === right.url && String(left.body ?? '') === String(right.body ?? '');
}
