/**
 * Replays recorded histories on the workflows as they are: a change that would break runs which are open when a site
 * upgrades fails here. The histories are made by dev/record-histories.ts.
 */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { beforeAll, describe, expect, it, jest } from '@jest/globals';
import { Worker } from '@temporalio/worker';

import { workflowBundle } from '../support/workflow-bundle.ts';
import { historyOf } from '../workflows/support/history.ts';
import { quietRuntime, testConverter } from '../workflows/support/stage.ts';
import { scenarios } from './scenarios.ts';

jest.setTimeout(60_000);

const folder = join(import.meta.dirname, 'histories');

let files: string[];
let code: string;
beforeAll(async () => {
  quietRuntime();
  files = (await readdir(folder)).filter((file) => file.endsWith('.history.json')).sort();
  code = await workflowBundle();
});

const read = (file: string): Promise<string> => readFile(join(folder, file), 'utf8');

/** Names of the histories that do not replay. */
async function failing(bundle: string, names: readonly string[]): Promise<string[]> {
  const histories = await Promise.all(
    names.map(async (file) => ({ workflowId: file, history: historyOf(await read(file)) })),
  );
  const options = { workflowBundle: { code: bundle }, dataConverter: testConverter() };
  const failed: string[] = [];
  for await (const { workflowId, error } of Worker.runReplayHistories(options, histories)) {
    if (error !== undefined) failed.push(`${workflowId}: ${error.name}`);
  }
  return failed;
}

describe('recorded histories', () => {
  it('are there for every scenario', () => {
    for (const { name } of scenarios) expect(files.some((file) => file.startsWith(name))).toBe(true);
  });

  it('replay on the workflows as they are', async () => {
    expect(await failing(code, files)).toEqual([]);
  });

  it('do not replay where a workflow does something else: the test would see it', async () => {
    const other = code
      .replaceAll('.fetchChanges', '.fetchOtherChanges')
      .replaceAll('fetchChanges,', 'fetchOtherChanges,');
    expect(other).not.toBe(code);
    expect(await failing(other, ['one-batch.history.json'])).toHaveLength(1);
  });

  it('hold neither paths nor names of a machine, and nothing in clear', async () => {
    for (const file of files) {
      const text = await read(file);
      const identities = [...text.matchAll(/"identity":\s*"([^"]*)"/g)].map(([, identity]) => identity);
      expect(
        [...new Set(identities)].filter((identity) => !['recorder', 'history-service', ''].includes(identity!)),
      ).toEqual([]);
      expect(text).not.toMatch(/"(file:\/\/|\/(home|root|tmp|usr|opt|var|Users)\/)/);
      expect(text).not.toMatch(/\d+@[\w-]+/);
      expect(text).not.toContain('Patient:');
    }
  });
});
