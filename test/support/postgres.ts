/** A PostgreSQL for tests: in a temporary folder, as a user without rights, on a port of its own. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { chown, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

import { Client } from 'pg';

import type { PostgresPlace } from '../../src/state/postgres.ts';
import { findPostgres } from './postgres-install.ts';

const run = promisify(execFile);
const startSecondsMax = 60;
const user = 'sluice';
const password = 'a password of tests';

export interface PostgresOptions {
  /** Whether what is committed survives the server's end; costs time. */
  readonly durable?: boolean;
  /** PEM of a certificate for 127.0.0.1 and its key. */
  readonly tls?: { readonly certificate: string; readonly key: string };
}

/** Starts a server; `undefined` where there can be none, having said why. */
export async function startPostgres(options: PostgresOptions = {}): Promise<PostgresServer | undefined> {
  const found = await findPostgres();
  if (typeof found === 'string') {
    process.stderr.write(`tests on PostgreSQL are skipped: ${found}\n`);
    return undefined;
  }
  return PostgresServer.start(found.programs, options);
}

/** A running server. */
export class PostgresServer {
  readonly port: number;
  readonly #programs: string;
  readonly #folder: string;
  readonly #options: PostgresOptions;
  #process: ChildProcess | undefined;
  #schemas = 0;

  private constructor(programs: string, folder: string, port: number, options: PostgresOptions) {
    this.#programs = programs;
    this.#folder = folder;
    this.port = port;
    this.#options = options;
  }

  static async start(programs: string, options: PostgresOptions): Promise<PostgresServer> {
    const folder = await mkdtemp(join(tmpdir(), 'sluice-postgres-'));
    const as = await somebody();
    const files = {
      password,
      ...(options.tls && { 'server.crt': options.tls.certificate, 'server.key': options.tls.key }),
    };
    for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text, { mode: 0o600 });
    for (const name of ['', ...Object.keys(files)]) if ('uid' in as) await chown(join(folder, name), as.uid, as.gid);
    const how = ['--auth=scram-sha-256', '--encoding=UTF8', '--locale=C', '--no-sync'];
    const what = [`--pgdata=${join(folder, 'data')}`, `--username=${user}`, `--pwfile=${join(folder, 'password')}`];
    await run(join(programs, 'initdb'), [...how, ...what], { ...as, cwd: folder, env: plainEnvironment() });
    const server = new PostgresServer(programs, folder, await freePort(), options);
    await server.restart();
    return server;
  }

  /** A fresh schema. */
  place(): PostgresPlace {
    return this.placeOf(`site_${String((this.#schemas += 1))}`);
  }

  placeOf(schema: string): PostgresPlace {
    const { tls } = this.#options;
    const trust = tls === undefined ? { plain: true } : { plain: false, ca: tls.certificate };
    return { url: `postgres://${user}@127.0.0.1:${String(this.port)}/postgres`, password, schema, ...trust };
  }

  /** Removes a schema and all that is in it. */
  async drop(schema: string): Promise<void> {
    const client = new Client({ host: '127.0.0.1', port: this.port, database: 'postgres', user, password });
    await client.connect();
    await client.query(`DROP SCHEMA IF EXISTS ${client.escapeIdentifier(schema)} CASCADE`);
    await client.end();
  }

  /** SIGKILL to the server and to each process of it: nobody closes or writes anything any more. */
  async crash(): Promise<void> {
    const pid = Number((await readFile(join(this.#folder, 'data', 'postmaster.pid'), 'utf8')).split('\n')[0]);
    // Stopped, it makes no new ones and does not hear of those that go.
    process.kill(pid, 'SIGSTOP');
    const children = childrenOf(pid);
    for (const one of [pid, ...children]) process.kill(one, 'SIGKILL');
    await ended(this.#process);
    this.#process?.stdin?.end();
    // The next server refuses to start while one of them is left.
    while (children.some(isLeft)) await sleep(10);
  }

  /** Starts the server, over what it left behind. */
  async restart(): Promise<void> {
    const { durable = false, tls } = this.#options;
    const settings = {
      port: String(this.port),
      listen_addresses: '127.0.0.1',
      unix_socket_directories: '',
      fsync: durable ? 'on' : 'off',
      autovacuum: 'off',
      shared_buffers: '32MB',
      ...(tls && {
        ssl: 'on',
        ssl_cert_file: join(this.#folder, 'server.crt'),
        ssl_key_file: join(this.#folder, 'server.key'),
      }),
    };
    const args = ['-D', join(this.#folder, 'data')];
    for (const [name, value] of Object.entries(settings)) args.push('-c', `${name}=${value}`);
    // The server ends when its standard input does, however its parent ended.
    const program = 'exec 3<&0; "$@" 3<&- & pid=$!; (cat <&3 >/dev/null; kill -QUIT $pid 2>/dev/null) & wait $pid';
    const child = spawn('sh', ['-c', program, 'sh', join(this.#programs, 'postgres'), ...args], {
      ...(await somebody()),
      cwd: this.#folder,
      env: plainEnvironment(),
      stdio: ['pipe', 'ignore', 'pipe'],
    });
    this.#process = child;
    const lines: string[] = [];
    const tooLong = setTimeout(() => child.stdin.end(), startSecondsMax * 1_000);
    try {
      for await (const line of createInterface({ input: child.stderr })) {
        lines.push(line);
        if (line.includes('ready to accept connections')) return;
      }
      throw new Error(`PostgreSQL did not start:\n${lines.join('\n')}`);
    } finally {
      clearTimeout(tooLong);
      child.stderr.resume();
    }
  }

  async stop(): Promise<void> {
    this.#process?.stdin?.end();
    await ended(this.#process);
    await rm(this.#folder, { recursive: true, force: true });
  }
}

/** State and parent of a process, by what the system says of it: `pid (name) state parent …`. */
function statOf(pid: number): { state: string; parent: number } | undefined {
  try {
    const [state = '', parent] =
      readFileSync(`/proc/${String(pid)}/stat`, 'utf8')
        .split(') ')
        .at(-1)
        ?.split(' ') ?? [];
    return { state, parent: Number(parent) };
  } catch {
    return undefined;
  }
}

const childrenOf = (pid: number): number[] =>
  readdirSync('/proc')
    .map(Number)
    .filter((one) => statOf(one)?.parent === pid);

const isLeft = (pid: number): boolean => (statOf(pid)?.state ?? 'Z') !== 'Z';

async function ended(child: ChildProcess | undefined): Promise<void> {
  if (child?.exitCode === null && child.signalCode === null) await once(child, 'exit');
}

/** PostgreSQL refuses to run as root. */
async function somebody(): Promise<{ uid: number; gid: number } | Record<string, never>> {
  if (process.getuid?.() !== 0) return {};
  const id = async (flag: string): Promise<number> => Number((await run('id', [flag, 'nobody'])).stdout);
  return { uid: await id('-u'), gid: await id('-g') };
}

/** Nothing of the caller's own settings for PostgreSQL. */
const plainEnvironment = (): NodeJS.ProcessEnv => ({ PATH: process.env.PATH, LC_ALL: 'C', TZ: 'UTC' });

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}
