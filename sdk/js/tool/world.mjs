// The ABI with a world of its own for each connector: what it imports and exports, and nothing else.

import { copyFile, mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The ABI's texts. */
export const WIT = fileURLToPath(new URL('../../../wit/v0.1/', import.meta.url));
/** The name of the world that `writeWorld` makes. */
export const WORLD = 'connector';

/** Fills `folder` with the interfaces and one world. */
export async function writeWorld(folder, { imports, exports }) {
  await mkdir(folder);
  const interfaces = (await readdir(WIT)).filter((name) => name.endsWith('.wit') && name !== 'worlds.wit');
  await Promise.all(interfaces.map((name) => copyFile(join(WIT, name), join(folder, name))));
  await writeFile(join(folder, 'world.wit'), worldText(imports, exports));
}

/** `types` holds no function and comes with any other. */
export function worldText(imports, exports) {
  const lines = [...imports.map((name) => `  import ${name};`), ...exports.map((name) => `  export ${name};`)];
  return `package hub:connector@0.1.0;\n\nworld ${WORLD} {\n${lines.join('\n')}\n}\n`;
}
