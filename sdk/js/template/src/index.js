// The connector `{{name}}`: items of an API that pages by number. What is read stays in the host: this code sees the number of the next page, no record.

import * as hub from 'hub-sdk';

const page = ({ base_url, credential = 'api' }, number) =>
  hub.get(`${base_url.replace(/\/+$/, '')}/v1/items`).withQuery('page', number).withCredential(credential);

/** The number of the next page; undefined: this was the last one. */
function nextPage(response) {
  if (response.length('/items') === undefined) {
    throw hub.ConnectorError.drift('the answer holds no list of items: is `base_url` the address of the API?');
  }
  return response.pointer('/next_page') ?? undefined;
}

export const source = hub.source({
  check(config) {
    nextPage(page(config, 1).sendForSuccess());
  },

  streams: {
    items(config, _request, output) {
      hub.readPages(output, {
        first: page(config, 1),
        records: '/items',
        next(response) {
          const number = nextPage(response);
          return number === undefined ? undefined : page(config, number);
        },
      });
    },
  },
});
