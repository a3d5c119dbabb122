import { afterEach, describe, expect, it } from '@jest/globals';
import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { gzipSync } from 'node:zlib';
import { basic, patient } from './calls.ts';

describe('the emulator as a program', () => {
  let child: ChildProcess | undefined;
  let folder = '';

  afterEach(async () => {
    child?.kill('SIGKILL');
    await rm(folder, { recursive: true, force: true });
  });

  it('loads files, makes clients, prints its url, and ends on SIGTERM', async () => {
    folder = await mkdtemp(join(tmpdir(), 'emulator-'));
    const data = join(folder, 'data.ndjson.gz');
    await writeFile(data, gzipSync(['a', 'b'].map((id) => JSON.stringify(patient(id))).join('\n')));
    const boot = join(folder, 'boot.json');
    await writeFile(
      boot,
      JSON.stringify([{ resourceType: 'Entity', id: 'AidboxInstance', type: 'resource', isOpen: true }]),
    );
    const main = join(import.meta.dirname, '../../src/emulator/main.ts');
    const options = ['--load', data, '--bootstrap', boot, '--client', 'c:s', '--option', 'changesOrder=descending'];
    child = spawn(process.execPath, [main, ...options], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [line] = (await once(createInterface({ input: child.stdout! }), 'line')) as [string];
    const { url } = JSON.parse(line) as { url: string };
    const headers = { authorization: basic('c', 's') };
    const answer = await fetch(`${url}/Patient/$changes?version=0`, { headers });
    const { changes } = (await answer.json()) as { changes: { resource: { id: string } }[] };
    expect(changes.map(({ resource }) => resource.id)).toEqual(['b', 'a']);
    expect((await fetch(`${url}/fhir/AidboxInstance`, { headers })).status).toBe(200);
    child.kill('SIGTERM');
    expect(await once(child, 'exit')).toEqual([0, null]);
  });
});
