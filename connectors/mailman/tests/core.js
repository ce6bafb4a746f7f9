// A small core in memory that pages, subscribes and refuses as Mailman 3.3 does (checked against the real one in tests/it/mailman.rs).

import { Answer, FakeHost } from 'hub-sdk/testing';

export const CONFIG = { base_url: 'https://lists.example.org:8001/', page_size: 10 };
const BASE = 'https://lists.example.org:8001/3.1/';

/** Members by list and address, each `{ display_name, delivery_mode }`. */
export class FakeCore {
  members = new Map();
  /** Addresses that the core knows, with their names. */
  names = new Map();
  banned = new Set();
  waiting = new Set();
  writes = 0;
  /** Called before each page is answered. */
  beforePage = () => {};

  constructor(count = 0) {
    for (let number = 1; number <= count; number += 1) this.subscribe('news.example', `m${String(number).padStart(3, '0')}@c.example`, `Name ${number}`);
  }

  subscribe(list, email, name = '', delivery = 'regular') {
    if (!this.names.has(email)) this.names.set(email, name);
    this.members.set(`${list} ${email}`, { list, email, delivery });
  }

  /** A host that this core answers. */
  serve() {
    const host = new FakeHost();
    host.serve((request) => this.answer(request));
    return host;
  }

  member(list, email) {
    const found = this.members.get(`${list} ${email}`);
    return found && { email, list_id: list, display_name: this.names.get(email), delivery_mode: found.delivery };
  }

  answer({ method, url, body, credential }) {
    if (credential !== 'mailman') return new Answer(401);
    const { pathname, searchParams } = new URL(url.replace(BASE, 'https://x/'));
    const path = pathname.slice(1).split('/').map(decodeURIComponent);
    const form = Object.fromEntries(new URLSearchParams(new TextDecoder().decode(body)));
    if (method !== 'get') this.writes += 1;
    switch (`${method} ${path[0]} ${path.length}`) {
      case 'get members 1':
      case 'get lists 1':
      case 'get users 1':
        return this.page(path[0], searchParams);
      case 'post members 1':
        return this.post(form);
      case 'patch addresses 2':
        this.names.set(path[1], form.display_name);
        return new Answer(204);
      default:
        return this.one(method, path[1], path[3].toLowerCase(), form);
    }
  }

  page(collection, query) {
    this.beforePage(query);
    const all = {
      members: [...this.members.values()].map(({ list, email }) => this.member(list, email)).sort((one, other) => (one.email < other.email ? -1 : 1)),
      lists: [{ list_id: 'news.example', member_count: this.members.size }],
      users: [{ user_id: 'u1', display_name: 'A', password: '$6$planted' }],
    }[collection];
    const [count, page] = ['count', 'page'].map((name) => Number(query.get(name)));
    const entries = all.slice((page - 1) * count, page * count);
    return Answer.json({ start: (page - 1) * count, total_size: all.length, ...(entries.length > 0 && { entries }) });
  }

  post({ list_id: list, subscriber, display_name: name, delivery_mode: delivery, ...flags }) {
    const email = subscriber.toLowerCase();
    if (list !== 'news.example' || !email.includes('@') || this.banned.has(email)) return Answer.json({ title: subscriber }, 400);
    if (this.members.has(`${list} ${email}`) || this.waiting.has(email)) return Answer.json({ title: subscriber }, 409);
    if ([flags.pre_verified, flags.pre_confirmed, flags.pre_approved].some((flag) => flag !== 'true')) return Answer.json({ token: 'x' }, 202);
    this.subscribe(list, email, name, delivery);
    return new Answer(201);
  }

  one(method, list, email, { delivery_mode: delivery, pre_approved: approved }) {
    const found = this.members.get(`${list} ${email}`);
    if (found === undefined) return Answer.json({ title: '404 Not Found' }, 404);
    if (method === 'get') return Answer.json(this.member(list, email));
    if (method === 'delete') {
      if (approved !== 'true') return Answer.json({ token: 'x' }, 202);
      this.members.delete(`${list} ${email}`);
    } else if (['regular', 'plaintext_digests'].includes(delivery)) {
      found.delivery = delivery;
    } else {
      return Answer.json({ title: delivery }, 400);
    }
    return new Answer(204);
  }
}
