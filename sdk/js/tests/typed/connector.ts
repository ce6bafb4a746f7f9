// A connector in TypeScript: what a compiler must accept, and below what it must not.

import * as hub from 'hub-sdk';
import { Answer, FakeHost, read, write } from 'hub-sdk/testing';

interface Config {
  base_url: string;
  page_size?: number;
}

const isState = (value: any): value is { page: number } => Number.isInteger(value?.page);

export const source = hub.source({
  open: (config: Config) => ({ config, pages: 0 }),
  check: ({ config }) => hub.get(config.base_url).sendForSuccess(),
  streams: {
    items({ config }, request, output) {
      const since: number = request.state(isState)?.page ?? 1;
      const first = hub.get(config.base_url).withQuery('page', since).withCredential('api');
      hub.readPages(output, { first, records: '/items', next: (response) => response.pointer('/next'), state: ({ extracted }) => ({ page: extracted }) });
      output.checkpoint({ page: since });
    },
  },
});

export const destination = hub.destination({
  open: (config: Config) => config.base_url,
  target: (url, { name, fields }) => ({ url, name, known: fields.map((field) => field.name) }),
  put: ({ url }, record) => (hub.post(url).withJson(record).send().status === 400 ? 'refused' : undefined),
});

export async function tried(): Promise<number> {
  const host = new FakeHost();
  host.serve(({ url }) => (url.endsWith('x') ? Answer.fault('timeout') : Answer.json({ items: [] })));
  const writer = await write(destination, { base_url: 'x' }, [{ name: 'a', mode: 'upsert', fields: ['id'] }]);
  const { written, failed } = await writer.write(0, [{ id: 1 }]);
  return written + failed.length + (await read(source, { base_url: 'x' }, [{ name: 'items', limit: 3n }]));
}

export function refused(output: hub.Output, request: hub.StreamRequest): void {
  // @ts-expect-error a record is an object
  output.record('text');
  // @ts-expect-error a state is JSON
  output.checkpoint(() => 1);
  // @ts-expect-error there is no such method
  new hub.Request('fetch', 'x');
  // @ts-expect-error whether a state is one is to be said
  request.state();
  // @ts-expect-error there is no such kind
  if (hub.ConnectorError.config('x').kind === 'fatal') return;
}
