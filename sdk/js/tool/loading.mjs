// The connector's code is run once when the component is made, up to the end of its modules: what it does then can fail.

import { SourceMap } from 'node:module';
import { Problem } from './problem.mjs';

const HELP = 'what stands outside of functions runs once, when the component is made, and without a host';

/** The error of the engine as a problem with its place in the source, if it is one of loading. */
export function ofLoading(error, map) {
  const called = error.message.match(/unknown imported function: 'hub:connector\/(\w+)@[^']*' '([^']+)'/);
  if (called) return new Problem(`the code calls \`${called[2]}\` of \`${called[1]}\` while it is loaded: ${HELP}`);
  const thrown = error.message.match(/evaluating top-level script\n(?:bundle\.js:\d+:\d+ )?(.*)/);
  if (!thrown) return error;
  const places = [...error.message.matchAll(/bundle\.js:(\d+):(\d+)/g)].map(([, line, column]) => placeOf(map, Number(line), Number(column)));
  const place = places.find((found) => found && !found.startsWith('..')) ?? places.find(Boolean) ?? 'the code';
  return new Problem(`${place}: it fails while it is loaded (${thrown[1]}): ${HELP}`);
}

function placeOf(map, line, column) {
  const { originalSource, originalLine, originalColumn } = new SourceMap(map).findEntry(line - 1, column - 1);
  return originalSource && `${originalSource}:${originalLine + 1}:${originalColumn + 1}`;
}
