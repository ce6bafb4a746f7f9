// Members into lists: who is not yet one is subscribed, who is one is changed where something differs. Of what is found only the name and the kind of
// delivery come in here, to be compared.

import * as hub from 'hub-sdk';

const FIELDS = ['list_id', 'email', 'display_name', 'delivery_mode'];
/** The text of a key has at most so many characters: it becomes part of an address. */
const MOST_CHARACTERS = 254;

/** What is kept for a stream: the core and the list that all records go to, if there is one. */
export function open(core, { name, mode, primaryKey, fields }) {
  const wrong = (text) => hub.ConnectorError.config(`the stream \`${name}\`: ${text}`);
  if (name !== 'members') throw wrong('only members can be written');
  if (mode !== 'upsert') throw wrong('members are subscribed or changed, not added or replaced: use the mode upsert');
  const unknown = fields.find((field) => !FIELDS.includes(field.name));
  if (unknown) throw wrong(`there is no field \`${unknown.name}\` to write; there are ${FIELDS.join(', ')}`);
  const wanted = core.list === undefined ? ['email', 'list_id'] : ['email'];
  if ([...primaryKey].sort().join() !== wanted.join()) {
    throw wrong(
      `the primary key must be ${wanted.join(' and ')}, and is ${primaryKey.join(' and ') || 'none'}: name it in the source's stream; with \`list\` in the configuration it is email alone`,
    );
  }
  return core;
}

/** Makes a member what the record says. Answers with a word if the core does not take it. */
export function put(core, record) {
  const { list, email, code } = keyOf(core, record);
  if (code) return code;
  const { display_name, delivery_mode } = record;
  if ([display_name, delivery_mode].some((value) => value !== undefined && value !== null && typeof value !== 'string')) return 'wrong-type';
  const wanted = { display_name: display_name ?? undefined, delivery_mode: delivery_mode ?? undefined };
  return changed(core, list, email, wanted) ?? subscribed(core, list, email, wanted);
}

/** Takes an address off a list. One that is not on it is off it. */
export function remove(core, key) {
  const { list, email, code } = keyOf(core, key);
  if (code) return code;
  return word(member(core, 'delete', list, email).withForm({ pre_confirmed: true, pre_approved: true }).send(), [404]);
}

function keyOf(core, { list_id: named, email }) {
  const list = core.list ?? named;
  for (const value of [list, email]) {
    if (value === undefined || value === null || value === '') return { code: 'no-key' };
    if (typeof value !== 'string') return { code: 'wrong-type' };
    if (value.length > MOST_CHARACTERS) return { code: 'key-too-long' };
  }
  return { list, email };
}

/** Changes a member where it differs: `DONE`, or a word. Undefined: there is no such member. */
function changed(core, list, email, wanted) {
  const response = member(core, 'get', list, email).send();
  if (response.status === 404) return undefined;
  const found = response.success();
  const differs = (field) => wanted[field] !== undefined && wanted[field] !== (found.pointer(`/${field}`) ?? '');
  const renames = differs('display_name') && core.request('patch', 'addresses', email).withForm({ display_name: wanted.display_name });
  const redelivers = differs('delivery_mode') && member(core, 'patch', list, email).withForm({ delivery_mode: wanted.delivery_mode });
  for (const change of [renames, redelivers]) {
    const code = change && word(change.send());
    if (code) return code;
  }
  return DONE;
}

/** The empty word: nothing stands in the way. */
const DONE = '';

function subscribed(core, list, email, wanted) {
  const form = {
    list_id: list,
    subscriber: email,
    ...wanted,
    pre_verified: true,
    pre_confirmed: true,
    pre_approved: true,
    send_welcome_message: core.sendsWelcome,
  };
  // 409: somebody else was faster, or the subscription waits for a person.
  const response = core.request('post', 'members').withForm(form).send();
  const code = word(response, [409]);
  if (code) return code;
  // An address that the core knew keeps its name when it is subscribed.
  const now = changed(core, list, email, wanted);
  return now === undefined ? 'pending' : now;
}

const member = (core, method, list, email) => core.request(method, 'lists', list, 'member', email);

/** The word for an answer to a change; its text may hold values and is not passed on. */
function word(response, fine = []) {
  const { status } = response;
  if (fine.includes(status)) return DONE;
  if (status === 202) return 'pending';
  if ([400, 404, 409, 422].includes(status)) return 'refused';
  response.success();
  return DONE;
}
