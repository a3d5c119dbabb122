/**
 * Starts a Temporal dev server on free loopback ports, waits until it really answers, and stops it again.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Connection } from '@temporalio/client';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { findDevServer, notFound } from './temporal-find.ts';
import type { FindOptions, FoundDevServer } from './temporal-find.ts';
import { ensureSearchAttributes, SearchAttributeConflict } from '../src/temporal/search-attributes.ts';
import type { SearchAttributeTypes } from '../src/temporal/search-attributes.ts';

/** How to start it; the rest as for the search. */
export interface StartOptions extends FindOptions {
  /** Search attributes that the namespace must have, by name. */
  readonly searchAttributes: SearchAttributeTypes;
  /** The server's own output; it is appended to. */
  readonly logFile: string;
  /** Keeps workflows across restarts; without it they live in memory. */
  readonly dbFile?: string;
  /** Free ports are taken where none is given. */
  readonly port?: number;
  readonly uiPort?: number;
  /** Where the browser decodes payloads. */
  readonly uiCodecEndpoint?: string;
  /** Server settings by key, such as `limit.historyCount.suggestContinueAsNew: 50`. */
  readonly dynamicConfig?: Readonly<Record<string, unknown>>;
}

/** A server that answers. */
export interface DevServer {
  readonly address: string;
  /** Absent for a server that somebody else runs. */
  readonly uiUrl?: string;
  readonly namespace: 'default';
  /** Ends what was started here; a server that ran before stays. Safe to call twice. */
  stop(): Promise<void>;
}

const namespace = 'default';
const startSecondsMax = 60;
/** A server that is said to run already. */
const answerSecondsMax = 10;
const stopSecondsMax = 8;

/** Starts the server, or uses the one at `TEMPORAL_ADDRESS`. */
export const startDevServer = async (options: StartOptions): Promise<DevServer> => {
  const found = await findDevServer(options);
  if (found.kind === 'address') {
    await answering(found.address, options.searchAttributes, answerSecondsMax, () => undefined);
    return { address: found.address, namespace, stop: async () => undefined };
  }
  if (found.kind === 'sdk-download') return startDownloaded(options, found);
  try {
    return await startBinary(found.path, options);
  } catch (problem) {
    // Between finding a port free and listening on it somebody else may take it: once more, with other ports.
    if (options.port !== undefined || options.uiPort !== undefined || !(problem instanceof EndedEarly)) throw problem;
    return startBinary(found.path, options);
  }
};

/** The server process ended before it answered. */
class EndedEarly extends Error {}

const startBinary = async (path: string, options: StartOptions): Promise<DevServer> => {
  const port = options.port ?? (await freePort());
  const uiPort = options.uiPort ?? (await freePort());
  const guard = spawnGuarded(path, serverArgs(options, port, uiPort), options);
  const stop = (): Promise<void> => endGuard(guard);
  const address = `127.0.0.1:${port}`;
  try {
    await answering(address, options.searchAttributes, startSecondsMax, () => {
      if (guard.exitCode === null && guard.signalCode === null) return;
      throw new EndedEarly(`The Temporal dev server ended before it answered; its log:\n${tail(options.logFile)}`);
    });
  } catch (problem) {
    await stop();
    throw problem;
  }
  const uiUrl = `http://127.0.0.1:${uiPort}`;
  options.say(`Temporal dev server: answers at ${address}, UI at ${uiUrl}`);
  return { address, uiUrl, namespace, stop };
};

const serverArgs = (options: StartOptions, port: number, uiPort: number): string[] => [
  ...['server', 'start-dev', '--ip', '127.0.0.1', '--port', String(port), '--ui-port', String(uiPort)],
  ...extraArgs(options),
  ...(options.dbFile === undefined ? [] : ['--db-filename', options.dbFile]),
  ...['--log-level', 'warn'],
];

const extraArgs = (options: StartOptions): string[] => [
  '--ui-disable-news-fetch', // a demo has no business outside this machine
  ...(options.uiCodecEndpoint === undefined ? [] : ['--ui-codec-endpoint', options.uiCodecEndpoint]),
  ...Object.entries(options.searchAttributes).flatMap(([name, type]) => ['--search-attribute', `${name}=${type}`]),
  ...Object.entries(options.dynamicConfig ?? {}).flatMap(([key, value]) => [
    '--dynamic-config-value',
    `${key}=${JSON.stringify(value)}`,
  ]),
];

/** In a group of its own: Ctrl-C reaches only the parent, which ends its workers first and then the server. */
const spawnGuarded = (path: string, args: string[], options: StartOptions): ChildProcess => {
  const guard = spawn(
    process.execPath,
    [join(import.meta.dirname, 'temporal-guard.ts'), options.logFile, path, ...args],
    {
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
      env: { ...(options.env ?? process.env), TEMPORAL_VERSION_CHECK_DISABLED: '1', NODE_OPTIONS: '' }, // a test runner's options are not the guard's
    },
  );
  guard.unref(); // the leash, not a running event loop, is what ties the server to this process
  (guard.stdin as unknown as { unref(): void }).unref();
  return guard;
};

const endGuard = async (guard: ChildProcess): Promise<void> => {
  if (guard.exitCode !== null || guard.signalCode !== null) return;
  guard.ref();
  const ended = once(guard, 'exit');
  guard.kill('SIGTERM');
  const late = setTimeout(() => guard.kill('SIGKILL'), stopSecondsMax * 1_000);
  await ended;
  clearTimeout(late);
};

const startDownloaded = async (
  options: StartOptions,
  found: FoundDevServer & { kind: 'sdk-download' },
): Promise<DevServer> => {
  const uiPort = options.uiPort ?? (await freePort());
  const server = {
    executable: { type: 'cached-download', downloadDir: found.downloadDir } as const,
    ip: '127.0.0.1',
    ui: true,
    uiPort,
    extraArgs: extraArgs(options),
    ...(options.port === undefined ? {} : { port: options.port }),
    ...(options.dbFile === undefined ? {} : { dbFilename: options.dbFile }),
  };
  const environment = await TestWorkflowEnvironment.createLocal({ server }).catch((problem: unknown) => {
    throw notFound('Temporal dev server', [...found.tried, `SDK download: ${(problem as Error).message}`]);
  });
  const address = environment.address;
  options.say(`Temporal dev server: downloaded by the SDK, answers at ${address}`);
  return { address, uiUrl: `http://127.0.0.1:${uiPort}`, namespace, stop: () => environment.teardown() };
};

/** Resolves once the server knows the namespace and every search attribute; `check` throws when waiting is pointless. */
const answering = async (
  address: string,
  attributes: SearchAttributeTypes,
  secondsMax: number,
  check: () => void,
): Promise<void> => {
  const deadline = Date.now() + secondsMax * 1_000;
  for (;;) {
    check();
    try {
      const connection = await Connection.connect({ address, connectTimeout: '2s' });
      try {
        await connection.workflowService.describeNamespace({ namespace });
        await ensureSearchAttributes(connection, namespace, attributes);
        return;
      } finally {
        await connection.close();
      }
    } catch (problem) {
      check();
      if (problem instanceof SearchAttributeConflict) throw problem;
      if (Date.now() > deadline) {
        const why = (problem as Error).message;
        throw new Error(`The Temporal server at ${address} did not answer within ${secondsMax} s: ${why}`, {
          cause: problem,
        });
      }
      await sleep(100);
    }
  }
};

const freePort = async (): Promise<number> => {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
};

const tail = (file: string): string => {
  try {
    return readFileSync(file, 'utf8').trim().split('\n').slice(-10).join('\n');
  } catch {
    return '(no log)';
  }
};
