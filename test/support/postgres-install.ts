/** Finds PostgreSQL's programs, or installs Debian's package of them: once a machine. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readdir, realpath } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const installMinutesMax = 10;

/** The folder of `initdb` and `postgres`; a sentence that says why not where there is none and can be none. */
export async function findPostgres(env: NodeJS.ProcessEnv = process.env): Promise<{ programs: string } | string> {
  const found = await look(env);
  if (found !== undefined) return { programs: found };
  if (env.FHIR_SLUICE_DOWNLOAD === 'never') return 'no PostgreSQL here, and downloads are not allowed';
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get'))
    return 'no PostgreSQL on PATH or in /usr/lib/postgresql, and only root can install it, with apt-get';
  try {
    await install({ ...env, DEBIAN_FRONTEND: 'noninteractive' });
  } catch (problem) {
    return `apt-get could not install postgresql: ${String((problem as { stderr?: string }).stderr ?? problem).trim()}`;
  }
  const installed = await look(env);
  return installed === undefined ? 'the package postgresql brought no initdb' : { programs: installed };
}

async function look(env: NodeJS.ProcessEnv): Promise<string | undefined> {
  const onPath = (env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  const versions = await readdir('/usr/lib/postgresql').catch(() => []);
  const ofDebian = versions
    .sort((a, b) => Number(b) - Number(a))
    .map((version) => join('/usr/lib/postgresql', version, 'bin'));
  for (const folder of [...onPath, ...ofDebian]) {
    if (!existsSync(join(folder, 'initdb')) || !existsSync(join(folder, 'postgres'))) continue;
    // Links on PATH lead to where the rest of it lies.
    return dirname(await realpath(join(folder, 'initdb')));
  }
  return undefined;
}

/** Two of them may do it at once: each waits for the other's lock. */
async function install(env: NodeJS.ProcessEnv): Promise<void> {
  const options = { env, timeout: installMinutesMax * 60_000 };
  const wait = ['-o', 'DPkg::Lock::Timeout=300'];
  await run('apt-get', [...wait, 'update'], options);
  await run('apt-get', [...wait, 'install', '--yes', '--no-install-recommends', 'postgresql'], options);
}
