/**
 * The workflows' bundle, made once in a run of `npm test` for all suites that need it: it takes two seconds each time. Its
 * file lies in the run's folder and is named by the sources, so that Jest's watch mode makes it anew when they change.
 */
import { createHash } from 'node:crypto';
import { readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { bundleWorkflows } from '../../src/workflow-bundle.ts';

const sources = join(import.meta.dirname, '../../src');

/** The bundle's JavaScript. */
export async function workflowBundle(): Promise<string> {
  const folder = process.env.SLUICE_TEST_FOLDER; // dev/run-tests.ts sets it
  if (folder === undefined) return bundleWorkflows();
  const file = join(folder, `workflows-${await digestOf(sources)}.js`);
  return readFile(file, 'utf8').catch(() => made(file));
}

/** Whole or not at all: the other worker of Jest may make the same. */
async function made(file: string): Promise<string> {
  const code = await bundleWorkflows();
  const own = `${file}.${String(process.pid)}`;
  await writeFile(own, code);
  await rename(own, file);
  return code;
}

async function digestOf(folder: string): Promise<string> {
  const files = await readdir(folder, { recursive: true });
  const hash = createHash('sha256');
  for (const file of files.filter((name) => name.endsWith('.ts')).sort())
    hash.update(`${file}\n`).update(await readFile(join(folder, file)));
  return hash.digest('hex').slice(0, 32);
}
