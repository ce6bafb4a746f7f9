// Requests to a core's REST interface (API 3.1), and what its answers have in common.

import * as hub from 'hub-sdk';

const MOST_RECORDS = 10_000;

/** Where requests go. */
export class Core {
  #base;
  #credential;

  constructor({ base_url, credential = 'mailman', page_size = 500, list, send_welcome_message = false }) {
    if (!(page_size >= 1 && page_size <= MOST_RECORDS)) throw hub.ConnectorError.config(`\`page_size\` must be from 1 to ${MOST_RECORDS}`);
    this.#base = `${base_url.replace(/\/+$/, '')}/3.1/`;
    this.#credential = credential;
    this.pageSize = page_size;
    this.list = list;
    this.sendsWelcome = send_welcome_message;
  }

  /** A request for something below the address; each part of the path is encoded. */
  request(method, ...path) {
    return new hub.Request(method, this.#base + path.map(hub.encode).join('/')).withHeader('accept', 'application/json').withCredential(this.#credential);
  }

  /** How many records a collection has. */
  total(collection) {
    return totalOf(this.request('get', collection).withQuery('count', 1).withQuery('page', 1).sendForSuccess());
  }
}

/** The number of records of the collection that an answer is a page of. */
export function totalOf(response) {
  const total = response.pointer('/total_size');
  if (Number.isInteger(total)) return total;
  throw hub.ConnectorError.drift("the answer tells no number of records: is `base_url` the address of Mailman's REST interface?");
}
