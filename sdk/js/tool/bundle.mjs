// The connector's code and what it uses of the SDK as one file. What it uses of the ABI stays outside, and is compared with what it says that it uses.

import { writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { Problem } from './problem.mjs';

const SDK = fileURLToPath(new URL('../src/', import.meta.url));
const ABI = /^hub:connector\/([a-z]+)@0\.1\.0$/;

/** Writes the bundle to `file`; answers with its source map. */
export async function bundle(folder, connector, file) {
  const entry = [
    `import ${JSON.stringify(join(SDK, 'sandbox.js'))};`,
    `export { ${connector.exports.join(', ')} } from ${JSON.stringify(connector.main)};`,
  ];
  const result = await build({
    stdin: { contents: entry.join('\n'), resolveDir: folder, sourcefile: 'entry.js' },
    absWorkingDir: folder,
    bundle: true,
    write: false,
    outfile: 'bundle.js',
    sourcemap: 'external',
    metafile: true,
    format: 'esm',
    target: 'es2023',
    platform: 'neutral',
    mainFields: ['module', 'main'],
    conditions: ['hub'],
    treeShaking: true,
    logLevel: 'silent',
    plugins: [abi],
  }).catch((error) => {
    throw new Problem((error.errors ?? []).map(told).join('\n') || error.message);
  });
  compare(connector, used(result.metafile));
  const ending = (extension) => result.outputFiles.find(({ path }) => path.endsWith(extension));
  await writeFile(file, ending('.js').contents);
  return JSON.parse(ending('.map').text);
}

/** What cannot be bundled: `src/index.js:3:7: …`. */
function told({ text, location }) {
  const place = location ? `${location.file}:${location.line}:${location.column + 1}: ` : '';
  const help = /Could not resolve "node:/.test(text) ? '; the sandbox has nothing of Node: use hub-sdk' : '';
  return `${place}${text}${help}`;
}

/** `hub-sdk` is the SDK that this tool belongs to; `hub:connector/…` is the host's. An interface of which nothing is used is left out. */
const abi = {
  name: 'hub',
  setup({ onResolve }) {
    onResolve({ filter: /^hub-sdk$/ }, () => ({ path: join(SDK, 'index.js'), sideEffects: false }));
    onResolve({ filter: /^hub:/ }, ({ path, importer }) => {
      if (ABI.test(path)) return { path, external: true, sideEffects: false };
      const place = relative(dirname(importer), importer);
      return { errors: [{ text: `${place}: \`${path}\` is no interface of hub's ABI: they are named like \`hub:connector/sink@0.1.0\`` }] };
    });
  },
};

function used(metafile) {
  const imports = Object.values(metafile.outputs).flatMap((output) => output.imports);
  return new Set(imports.filter(({ external }) => external).map(({ path }) => path.match(ABI)[1]));
}

function compare({ imports }, used) {
  const tell = (names, text) => names.map((name) => `connector.toml: the code ${text(name)}`);
  const hidden = [...used].filter((name) => name !== 'types' && !imports.includes(name));
  const idle = imports.filter((name) => !used.has(name));
  const problems = [
    ...tell(hidden, (name) => `uses \`${name}\`, which \`imports\` does not name: add it`),
    ...tell(idle, (name) => `uses nothing of \`${name}\`, which \`imports\` names: leave it out`),
  ];
  if (problems.length > 0) throw new Problem(problems.join('\n'));
}
