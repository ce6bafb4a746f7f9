// From a connector's folder to a component without WASI.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { returningLentMemory } from './bindings.mjs';
import { bundle } from './bundle.mjs';
import { readConnector } from './connector.mjs';
import { ofLoading } from './loading.mjs';
import { within } from './problem.mjs';
import { WORLD, writeWorld } from './world.mjs';

/** All that the engine would take from WASI: without these it takes nothing. */
const WITHOUT = ['random', 'stdio', 'clocks', 'http', 'fetch-event'];

/** The bytes of the component of a folder. The description is not in it: `hub build` appends that. */
export async function componentOf(folder) {
  const connector = await readConnector(folder);
  const scratch = await mkdtemp(join(tmpdir(), 'hub-js-'));
  try {
    const [code, wit] = [join(scratch, 'bundle.js'), join(scratch, 'wit')];
    const map = await bundle(folder, connector, code);
    await writeWorld(wit, connector);
    return await within('the component cannot be made', () => encode(code, wit).catch((error) => { throw ofLoading(error, map); }));
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function encode(code, wit) {
  const { componentize } = await import('@bytecodealliance/componentize-js');
  const { splicer } = await import(splicerUrl());
  const { spliceBindings } = splicer;
  splicer.spliceBindings = (...given) => {
    const spliced = spliceBindings(...given);
    return { ...spliced, jsBindings: returningLentMemory(spliced.jsBindings) };
  };
  try {
    const made = await componentize({ sourcePath: code, witPath: wit, worldName: WORLD, disableFeatures: WITHOUT });
    return made.component;
  } finally {
    splicer.spliceBindings = spliceBindings;
  }
}

/** The module that writes the bindings; componentize-js has no other place where they can be looked at. */
const splicerUrl = () => new URL('../lib/spidermonkey-embedding-splicer.js', import.meta.resolve('@bytecodealliance/componentize-js')).href;
