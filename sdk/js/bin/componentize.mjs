#!/usr/bin/env node
// componentize.mjs FOLDER OUTPUT.wasm: makes the component of a connector's folder. `hub build FOLDER` calls it and appends the description.

import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { Problem } from '../tool/problem.mjs';

async function main(given) {
  if (given.length !== 2) throw new Problem('give the connector\'s folder and the file to write: componentize.mjs FOLDER OUTPUT.wasm');
  const [folder, output] = given.map((path) => resolve(path));
  const component = await (await tool()).componentOf(folder);
  await mkdir(dirname(output), { recursive: true });
  await writeFile(output, component).catch((error) => {
    throw new Problem(`${output} cannot be written (${error.code}): name a file in a folder that is yours`);
  });
}

/** Loaded late: its packages may be missing. */
async function tool() {
  try {
    return await import('../tool/component.mjs');
  } catch (error) {
    if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error;
    throw new Problem(`a package of the SDK is missing: run \`npm ci\` in ${resolve(import.meta.dirname ?? '.', '..')}`);
  }
}

main(process.argv.slice(2)).catch((error) => {
  console.error(error instanceof Problem ? `error: ${error.message}` : error);
  process.exitCode = 1;
});
