// Responses that the connector holds. The host keeps each body until it is closed, and hands out a limited number of them; garbage is not collected
// while a call runs, so a response has to be closed by somebody.

import { ConnectorError } from './errors.js';

const MOST_OPEN = 256;
const open = new Set();

/** Notes a response. */
export function opened(response) {
  if (open.size >= MOST_OPEN) {
    response.close();
    throw ConnectorError.permanent(`the connector holds ${MOST_OPEN} responses: it has to close() each when it is read`);
  }
  open.add(response);
}

/** Forgets one. */
export function closed(response) {
  open.delete(response);
}

/** Closes what was left open when a stream, a batch or a check ended. */
export function closeAll() {
  for (const response of [...open]) response.close();
}
