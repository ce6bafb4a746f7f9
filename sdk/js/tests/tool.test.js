// What the tool says about a folder that it cannot make a component of, and what it makes of one that it can.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { returningLentMemory } from '../tool/bindings.mjs';
import { bundle } from '../tool/bundle.mjs';
import { readConnector } from '../tool/connector.mjs';
import { worldText, writeWorld } from '../tool/world.mjs';

const run = promisify(execFile);
const TOOL = fileURLToPath(new URL('../bin/componentize.mjs', import.meta.url));
const scratch = await mkdtemp(join(tmpdir(), 'hub-js-test-'));
after(() => rm(scratch, { recursive: true }));
let folders = 0;

const PACKAGE = '{ "main": "index.js", "type": "module" }';
const DESCRIBED = 'imports = ["sink", "runtime"]\n[[stream]]\nname = "a"\n';
const CODE = "import * as hub from 'hub-sdk';\nexport const source = hub.source({ streams: { a: (_, __, output) => output.record({ id: 1 }) } });\n";

async function folder(files) {
  folders += 1;
  const made = join(scratch, String(folders));
  await mkdir(made);
  for (const [name, text] of Object.entries({ 'package.json': PACKAGE, 'connector.toml': DESCRIBED, 'index.js': CODE, ...files })) {
    if (text !== undefined) await writeFile(join(made, name), text);
  }
  return made;
}

async function bundled(files) {
  const made = await folder(files);
  await bundle(made, await readConnector(made), join(made, 'out.js'));
  return readFile(join(made, 'out.js'), 'utf8');
}

test('a folder that lacks something is told what and where', async () => {
  const cases = [
    [{ 'package.json': undefined }, /package\.json cannot be read \(ENOENT\): make one whose `main`/],
    [{ 'package.json': '{' }, /^package\.json: /],
    [{ 'package.json': '{}' }, /has no `main`: name the file/],
    [{ 'package.json': '{ "main": "none.js" }' }, /`main` is none\.js, and there is no such file/],
    [{ 'connector.toml': undefined }, /connector\.toml cannot be read/],
    [{ 'connector.toml': 'imports = [' }, /^connector\.toml: /],
    [{ 'connector.toml': '[[stream]]\nname = "a"' }, /has no `imports`/],
    [{ 'connector.toml': 'imports = ["sockets"]' }, /`imports` has `sockets`; known are http, sink/],
    [{ 'connector.toml': 'imports = ["sink"]' }, /neither a source nor a destination/],
  ];
  for (const [files, message] of cases) await assert.rejects(folder(files).then(readConnector), { message });
});

test('code that does not fit its description is told with its place', async () => {
  const source = (code) => ({ 'index.js': `import * as hub from 'hub-sdk';\n${code}` });
  const cases = [
    [source('export const other = 1;'), /No matching export .* for import "source"/],
    [source('export const source = {'), /^index\.js:2:24: Expected identifier but found end of file/],
    [source("import fs from 'node:fs';\nexport const source = fs;"), /index\.js:2:\d+: Could not resolve "node:fs".*; the sandbox has nothing of Node/],
    [source("import x from 'hub:connector/sockets@9';\nexport const source = x;"), /no interface of hub's ABI/],
    [source('export const source = hub.source({ open: () => hub.get("x").send() });'), /the code uses `http`, which `imports` does not name: add it/],
    [source('export const source = 1;'), /the code uses nothing of `sink`.*leave it out\n.*`runtime`/],
  ];
  for (const [files, message] of cases) await assert.rejects(bundled(files), { message });
});

test('a bundle holds what is used, and the sandbox comes first', async () => {
  const text = await bundled({});
  assert.deepEqual([...text.matchAll(/from "(hub:[^"]+)"/g)].map(([, name]) => name).sort(), ['hub:connector/runtime@0.1.0', 'hub:connector/sink@0.1.0']);
  assert.ok(text.indexOf('Math.random =') < text.indexOf('Output = class'));
  assert.ok(!text.includes(' Request = class') && text.includes('StreamRequest = class'));
});

test('TypeScript is taken as it is', async () => {
  const typed = CODE.replace('(_, __, output)', '(_: unknown, __: hub.StreamRequest, output: hub.Output)');
  const text = await bundled({ 'package.json': '{ "main": "index.ts" }', 'index.js': undefined, 'index.ts': typed });
  assert.ok(text.includes('source') && !text.includes('hub.Output)'));
});

test('a world has what the description names, and the ABI beside it', async () => {
  assert.equal(worldText(['http', 'sink'], ['source']), 'package hub:connector@0.1.0;\n\nworld connector {\n  import http;\n  import sink;\n  export source;\n}\n');
  const made = join(scratch, 'wit');
  await writeWorld(made, { imports: ['sink'], exports: ['destination'] });
  const names = await readdir(made);
  assert.ok(names.includes('types.wit') && names.includes('world.wit') && !names.includes('worlds.wit'), String(names));
});

test('bindings give back what they lent, and others are refused', () => {
  const bindings = `let [$memory, $realloc, $dealloc] = $bindings;
const TEXT_DECODER_UTF8 = new TextDecoder();
function import_sink$emit(arg0) {
  var ptr0 = $realloc(0, 0, 1, len0);
  _debugLog('[Instruction::CallWasm] enter', {});
  ret = $import_sink$emit(toUint32(arg0), ptr0);
  $dealloc(ret);
}
function export_read() {
  var ptr1 = $realloc(0, 0, 1, len0);
}
`;
  const changed = returningLentMemory(bindings);
  assert.ok(changed.includes('ptr0 = $lend(0') && changed.includes('ptr0);\n$giveBack();') && changed.includes('ptr1 = $realloc(0'));
  assert.ok(changed.indexOf('const $giveBack') < changed.indexOf('function import_'));
  for (const other of ['', bindings.replace('ret = $import', 'ret = await $import'), bindings.replace('TEXT_DECODER_UTF8', 'DECODER')]) {
    assert.throws(() => returningLentMemory(other), { message: /npm ci/ });
  }
});

test('the tool ends with 1 and says what to do', async () => {
  const ends = async (given, message) => {
    const { code, stderr } = await run(process.execPath, [TOOL, ...given]).catch((error) => error);
    assert.equal(code, 1);
    assert.match(stderr, message);
  };
  await ends([], /^error: give the connector's folder and the file to write/);
  await ends([await folder({ 'connector.toml': '' }), 'x.wasm'], /^error: connector\.toml has no `imports`/);
});

test('code that fails while it is loaded is told with its place', async () => {
  const cases = [
    ['const at = Date.now();', /^error: index\.js:2:\d+: it fails while it is loaded \(.*no clock of its own.*\): what stands outside of functions/],
    ["hub.runtime.info('x');", /^error: the code calls `log` of `runtime` while it is loaded/],
  ];
  for (const [code, message] of cases) {
    const made = await folder({ 'index.js': CODE.replace('\n', `\n${code}\n`) });
    const { stderr } = await run(process.execPath, [TOOL, made, join(made, 'x.wasm')]).catch((error) => error);
    assert.match(stderr, message);
  }
});

test('a component imports what it says and nothing of WASI', async () => {
  const made = await folder({});
  const output = join(made, 'target', 'a.wasm');
  await run(process.execPath, [TOOL, made, output]);
  const jco = fileURLToPath(new URL('../node_modules/.bin/jco', import.meta.url));
  const { stdout } = await run(jco, ['wit', output]);
  const named = (word) => [...stdout.matchAll(new RegExp(`^  ${word} (.+);$`, 'gm'))].map(([, name]) => name);
  assert.deepEqual(named('import').sort(), ['runtime', 'sink', 'types'].map((name) => `hub:connector/${name}@0.1.0`));
  assert.deepEqual(named('export'), ['hub:connector/source@0.1.0']);
});
