// The connector `mailman`: lists, members and users of a Mailman core, page by page; members written.
//
// What is read stays in the host (`pages`): this code sees how many records there are, and nothing of them.

import * as hub from 'hub-sdk';
import { Core } from './core.js';
import { readAll } from './reading.js';
import { open, put, remove } from './writing.js';

const check = (core) => core.total('lists');

export const source = hub.source({
  open: (config) => new Core(config),
  check,
  streams: {
    lists: (core, request, output) => readAll(core, 'lists', request, output),
    members: (core, request, output) => readAll(core, 'members', request, output),
    users: (core, request, output) => readAll(core, 'users', request, output),
  },
});

export const destination = hub.destination({
  check: (config) => check(new Core(config)),
  open: (config) => new Core(config),
  target: open,
  put,
  remove,
});
