/**
 * Installs moto, the S3 server of the tests, with pip into the project's cache folder: once a machine, about 12 seconds.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { cacheFolderOf } from '../../dev/temporal-find.ts';

const run = promisify(execFile);
const installMinutesMax = 10;
const requirements = join(import.meta.dirname, 's3-requirements.txt');

/** A Python and the folder of packages that it finds moto in. */
export interface Moto {
  readonly python: string;
  readonly packages: string;
}

/** Finds or installs moto; a sentence that says why not where that is impossible here. */
export async function findMoto(env: NodeJS.ProcessEnv = process.env): Promise<Moto | string> {
  const python = await findPython();
  if (python === undefined) return 'no Python 3.10 or later on PATH';
  const pins = createHash('sha256').update(await readFile(requirements));
  const cache = cacheFolderOf({ env });
  // Compiled packages fit one version of Python, and another set of pins gets a folder of its own.
  const name = `moto-${pins.digest('hex').slice(0, 12)}-${python.version}-${process.platform}-${process.arch}`;
  const packages = join(cache, name);
  if (await exists(packages)) return { python: python.name, packages };
  if (env.FHIR_SLUICE_DOWNLOAD === 'never') return `nothing at ${packages}, and downloads are not allowed here`;
  try {
    await install(python.name, cache, packages);
    return { python: python.name, packages };
  } catch (problem) {
    return `pip could not install moto: ${String((problem as { stderr?: string }).stderr ?? problem).trim()}`;
  }
}

/** Beside the target, then one rename: two processes may do it at once. */
async function install(python: string, cache: string, packages: string): Promise<void> {
  await mkdir(cache, { recursive: true, mode: 0o700 });
  const work = await mkdtemp(join(cache, 'tmp-'));
  try {
    const what = ['--only-binary=:all:', '--no-deps', '--target', join(work, 'ready'), '--requirement', requirements];
    const how = ['--quiet', '--no-input', '--disable-pip-version-check'];
    await run(python, ['-m', 'pip', 'install', ...what, ...how], { timeout: installMinutesMax * 60_000 });
    await rename(join(work, 'ready'), packages).catch(async (problem: unknown) => {
      if (!(await exists(packages))) throw problem;
    });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function findPython(): Promise<{ name: string; version: string } | undefined> {
  const program = 'import sys; assert sys.version_info >= (3, 10); print("py%d.%d" % sys.version_info[:2])';
  for (const name of ['python3', 'python', 'py']) {
    try {
      const { stdout } = await run(name, ['-c', program], { timeout: 30_000 });
      return { name, version: stdout.trim() };
    } catch {
      // not there, or too old: the next name may do
    }
  }
  return undefined;
}

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );
