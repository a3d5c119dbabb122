/** Everything that a site's data could leak into, gathered for a search. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

import { Connection } from '@temporalio/client';
import type { Payload, PayloadCodec } from '@temporalio/common';

import { payloadCodec } from '../../src/crypto/payload-codec.ts';
import type { Emulator } from '../../src/emulator/emulator.ts';
import { temporalClient } from '../../src/temporal/connect.ts';
import type { Sink } from './e2e-search.ts';
import type { E2eSite, E2eWorld } from './e2e-world.ts';

export async function sinksOf(world: E2eWorld, site: E2eSite): Promise<Sink[]> {
  return [
    ...databaseSinks('temporal', world.dbFile),
    await historySink(world, site),
    ...treeSinks('staging', site.config.stagingFolder),
    ...databaseSinks('state', site.config.stateFile),
    { name: 'log of the worker', bytes: readFileSync(join(site.folder, 'worker.log')) },
    { name: 'log of temporal', bytes: readFileSync(join(world.folder, 'temporal.log')) },
    { name: 'hub', bytes: hubBytes(world.hub) },
    requestSink('requests to the hub', world.hub),
    requestSink('requests to the instance', site.source),
  ];
}

/**
 * A SQLite database: its files as they are, with what was freed and the WAL, and its rows, which pages cut up. The rows are
 * read from a copy: a reader's lock would hold up the owner.
 */
function databaseSinks(name: string, file: string): Sink[] {
  for (let attempt = 1; ; attempt++) {
    const files = filesOf(file);
    const copy = mkdtempSync(join(tmpdir(), 'fhir-sluice-copy-'));
    try {
      for (const [other, bytes] of files) writeFileSync(join(copy, other), bytes);
      const sinks = [...files].map(([other, bytes]) => ({ name: `${name}, ${other}`, bytes }));
      return [...sinks, { name: `${name}, rows`, bytes: rowsOf(join(copy, basename(file))) }];
    } catch (error) {
      // Copied in the middle of a write.
      if (attempt === 10) throw error;
    } finally {
      rmSync(copy, { recursive: true, force: true });
    }
  }
}

function filesOf(file: string): Map<string, Buffer> {
  const found = new Map<string, Buffer>();
  for (const name of readdirSync(dirname(file))) {
    if (!name.startsWith(basename(file)) || name.endsWith('-shm')) continue;
    try {
      found.set(name, readFileSync(join(dirname(file), name)));
    } catch {
      // A journal whose transaction has ended in between.
    }
  }
  return found;
}

function rowsOf(file: string): Buffer {
  const db = new DatabaseSync(file);
  try {
    const cells: Uint8Array[] = [];
    const tables = db.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").all() as { name: string }[];
    for (const { name } of tables) {
      const statement = db.prepare(`SELECT * FROM "${name}"`);
      // Temporal's versions and times exceed what a double holds.
      statement.setReadBigInts(true);
      for (const row of statement.iterate()) {
        for (const cell of Object.values(row))
          cells.push(cell instanceof Uint8Array ? cell : Buffer.from(String(cell)), separator);
      }
    }
    return Buffer.concat(cells);
  } finally {
    db.close();
  }
}

const separator = Buffer.from('\n');

/** A folder's files and their names. */
function treeSinks(name: string, folder: string): Sink[] {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  const sinks: Sink[] = [{ name: `${name}, names`, bytes: Buffer.from(names.join('\n')) }];
  for (const relative of names) {
    const path = join(folder, relative);
    try {
      if (statSync(path).isFile()) sinks.push({ name: `${name}, ${relative}`, bytes: readFileSync(path) });
    } catch {
      // Committed and deleted in between.
    }
  }
  return sinks;
}

/** What was gathered of runs that are over: it does not change any more. */
const closedRuns = new Map<string, Buffer>();

/** The histories of all workflows, decoded with the site's own codec, as the hub's operators can. */
async function historySink(world: E2eWorld, site: E2eSite): Promise<Sink> {
  const connection = await Connection.connect({ address: world.address });
  try {
    const client = temporalClient(site.config, connection);
    const codec = payloadCodec(site.config.keys.payload);
    const found: Uint8Array[] = [];
    for await (const { workflowId, runId, status } of client.workflow.list()) {
      let run = closedRuns.get(runId);
      if (run === undefined) {
        const pieces: Uint8Array[] = [];
        const handle = client.workflow.getHandle(workflowId, runId);
        await gather(await handle.fetchHistory(), codec, pieces);
        // Memo, search attributes, pending activities with their last failures and heartbeats.
        await gather((await handle.describe()).raw, codec, pieces);
        run = Buffer.concat(pieces);
        if (status.name !== 'RUNNING') closedRuns.set(runId, run);
      }
      found.push(run);
    }
    return { name: 'histories', bytes: Buffer.concat(found) };
  } finally {
    await connection.close();
  }
}

/** All texts and bytes in a message; payloads as they are and decoded. */
async function gather(value: unknown, codec: PayloadCodec, into: Uint8Array[]): Promise<void> {
  if (value === null || typeof value !== 'object') {
    if (typeof value === 'string') into.push(Buffer.from(value), separator);
    return;
  }
  if (value instanceof Uint8Array) {
    into.push(value, separator);
    return;
  }
  if ('metadata' in value && 'data' in value && value.data instanceof Uint8Array) {
    for (const { metadata, data } of await codec.decode([value as Payload])) {
      into.push(...Object.values(metadata ?? {}), data ?? new Uint8Array(), separator);
    }
  }
  for (const [key, member] of Object.entries(value)) {
    into.push(Buffer.from(key), separator);
    await gather(member, codec, into);
  }
}

/** Every version of everything. */
const hubBytes = ({ store }: Emulator): Buffer =>
  Buffer.from(store.types.flatMap((type) => store.rows(type).map(({ id, json }) => `${id} ${json}`)).join('\n'));

const requestSink = (name: string, server: Emulator): Sink => ({ name, bytes: Buffer.from(requestLines(server)) });

/** URLs and headers; bodies where the double keeps them. What asks an instance by id names it in the body alone. */
const requestLines = (server: Emulator): string =>
  server.requests
    .map(({ method, path, headers, body }) => `${method} ${path} ${JSON.stringify(headers)} ${body ?? ''}`)
    .join('\n');
