// Page after page of a collection. The core pages by position: a record that leaves moves all behind it forward. The total gives that away, and the
// pages concerned are read again rather than skipped.

import * as hub from 'hub-sdk';
import { totalOf } from './core.js';

/** Only of members the core lets us choose fields. `role` decides what a membership is, and `etag`s come unasked. */
const CHOOSABLE = {
  members: [
    'member_id', 'list_id', 'email', 'address', 'display_name', 'role', 'user', 'self_link', 'subscription_mode', 'delivery_mode', 'moderation_action',
    'bounce_score', 'last_bounce_received', 'last_warning_sent', 'total_warnings_sent',
  ],
};

/** Hands over all records of a collection. */
export function readAll(core, collection, request, output) {
  request.state(() => false);
  const size = Math.min(core.pageSize, Math.max(request.limit ?? core.pageSize, 1));
  let known = 0;
  for (let page = 1; !output.isFull; page += 1) {
    const response = pageRequest(core, collection, request, size, page).sendForSuccess();
    const total = totalOf(response);
    const gone = Math.max(known - total, 0);
    known = total;
    if (gone > 0) {
      // The page that holds the first record that moved, less the step of the loop.
      page = Math.floor(Math.max((page - 1) * size - gone, 0) / size);
    } else {
      output.page(new hub.PageRequest(response, '/entries'));
    }
    response.close();
    if (hub.runtime.cancelled()) throw hub.ConnectorError.cancelled();
    if (gone === 0 && page * size >= total) return;
  }
}

function pageRequest(core, collection, request, size, page) {
  const all = core.request('get', collection).withQuery('count', size).withQuery('page', page);
  const wanted = (CHOOSABLE[collection] ?? []).filter((field) => request.wants(field));
  return wanted.reduce((asked, field) => asked.withQuery('fields', field), all);
}
