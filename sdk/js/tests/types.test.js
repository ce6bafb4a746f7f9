// The types: those that are generated are up to date, and the others say what the code does.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import * as hub from 'hub-sdk';
import * as testing from 'hub-sdk/testing';

const run = promisify(execFile);
const inside = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));

test('a connector in TypeScript passes the compiler, and its mistakes do not', async () => {
  await run(inside('node_modules/.bin/tsc'), ['-p', inside('tests/typed')]).catch(({ stdout }) => assert.fail(stdout));
});

test('every export has a type', async () => {
  for (const [module, file] of [[hub, 'index'], [testing, 'testing']]) {
    const text = await readFile(inside(`types/${file}.d.ts`), 'utf8');
    for (const name of Object.keys(module)) assert.match(text, new RegExp(`export (function|class|namespace) ${name}\\b`), name);
  }
});

test('the types of the ABI are those of wit/v0.1', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'hub-js-types-'));
  const given = ['guest-types', inside('../../wit/v0.1'), '--world-name', 'full-connector', '--out-dir', folder, '--quiet'];
  await run(inside('node_modules/.bin/jco'), given);
  for (const name of await readdir(join(folder, 'interfaces'))) {
    const [made, kept] = await Promise.all([join(folder, 'interfaces', name), inside(`types/abi/interfaces/${name}`)].map((path) => readFile(path, 'utf8')));
    assert.equal(kept, made, `${name}: run \`npm run types\``);
  }
  await rm(folder, { recursive: true });
});
