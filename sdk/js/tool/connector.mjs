// A connector's folder as the tool needs it: package.json says where its code begins, connector.toml which world it is for.

import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'smol-toml';
import { Problem } from './problem.mjs';

export const INTERFACES = ['http', 'sink', 'pages', 'files', 'runtime', 'sql', 'tables'];

/** `{ main, imports, exports }` of a folder; `main` is a path. */
export async function readConnector(folder) {
  const main = await readMain(folder);
  const described = await readText(folder, 'connector.toml', 'describe the connector there (connectors/STANDARD.md, points 4 to 8)');
  return { main, ...worldOf(parsed('connector.toml', described, parse)) };
}

async function readMain(folder) {
  const text = await readText(folder, 'package.json', 'make one whose `main` is the file that exports `source` or `destination`');
  const { main } = parsed('package.json', text, JSON.parse);
  if (typeof main !== 'string') throw new Problem(`${folder}/package.json has no \`main\`: name the file that exports \`source\` or \`destination\``);
  const path = join(folder, main);
  const isFile = await stat(path).then((found) => found.isFile(), () => false);
  if (!isFile) throw new Problem(`${folder}/package.json: \`main\` is ${main}, and there is no such file: correct the path`);
  return path;
}

function worldOf({ imports, stream = [], any_stream: anyStream = false, destination }) {
  if (!Array.isArray(imports)) throw new Problem(`connector.toml has no \`imports\`: name what the connector uses of ${INTERFACES.join(', ')}`);
  const unknown = imports.find((name) => !INTERFACES.includes(name));
  if (unknown !== undefined) throw new Problem(`connector.toml: \`imports\` has \`${unknown}\`; known are ${INTERFACES.join(', ')}`);
  const exports = [stream.length > 0 || anyStream ? 'source' : [], destination ? 'destination' : []].flat();
  if (exports.length === 0) {
    throw new Problem('connector.toml describes neither a source nor a destination: add a `[[stream]]`, `any_stream = true` or `[destination]`');
  }
  return { imports, exports };
}

async function readText(folder, name, help) {
  try {
    return await readFile(join(folder, name), 'utf8');
  } catch (error) {
    throw new Problem(`${folder}/${name} cannot be read (${error.code}): ${help}`);
  }
}

function parsed(name, text, parser) {
  try {
    return parser(text);
  } catch (error) {
    throw new Problem(`${name}: ${error.message}`);
  }
}
