/** Puts a site's parts together: the one place that knows all of them. */
import { createHash } from 'node:crypto';

import type { Parts } from './activities/parts.ts';
import type { Config, ServerConfig } from './config/config.ts';
import { localKeyWrapper } from './crypto/local-key-wrapper.ts';
import { sealerOf } from './crypto/seal.ts';
import { compilePolicy } from './deid/compile.ts';
import type { CompiledPolicy } from './deid/compiled.ts';
import type { ReferenceScope } from './deid/engine.ts';
import { createAidbox } from './fhir/aidbox.ts';
import { basicAuth, clientCredentials } from './fhir/auth.ts';
import { createLimiter, type Limiter, noLimiter } from './fhir/limiter.ts';
import type { ChangeSource, CommitTarget } from './fhir/server.ts';
import { createTransport } from './fhir/transport.ts';
import type { Limits } from './limits.ts';
import type { Log } from './log.ts';
import { encryptedStaging } from './staging/encrypted-staging.ts';
import { openFolderStore } from './staging/folder-store.ts';
import type { BlobStore } from './staging/staging.ts';
import { type Database, openDatabase } from './state/database.ts';
import { KnownHeads } from './state/heads.ts';
import { joinWorkers } from './state/shares.ts';
import { loadPlugins } from './threads/plugins.ts';
import { createThreadPool } from './threads/pool.ts';
import type { Ruleset } from './threads/task.ts';

/** The parts of a site, and how to let go of them. */
export interface Assembly {
  readonly parts: Parts;
  close(): Promise<void>;
}

/** Opens staging and state and makes the clients; nothing is asked of a server yet. */
export async function assemble(config: Config, log: Log): Promise<Assembly> {
  const { limits, keys } = config;
  const store = await openStore(config);
  const db = await openState(config);
  const shares = joinWorkers(db);
  const pool = createThreadPool(limits.workerThreadsMax);
  const policy = await compiledPolicyOf(config);
  const policyDigest = policy.digest;
  const parts: Parts = {
    instance: config.instance,
    streams: config.streams,
    steps: config.steps,
    limits,
    servers: {
      instance: connectServer(config.servers.instance, limits, createLimiter({ server: 'instance', limits, shares })),
      hub: connectServer(config.servers.hub, limits, createLimiter({ server: 'hub', limits, shares })),
    },
    staging: encryptedStaging(store, localKeyWrapper(keys.staging)),
    db,
    sealer: sealerOf(keys.staging, keys.pseudonym),
    pool,
    rulesets: {
      up: rulesetOf(config, policy, 'up'),
      down: rulesetOf(config, policy, 'down'),
    },
    keyVersions: {
      staging: keys.staging.versions,
      pseudonym: keys.pseudonym.versions,
      payload: keys.payload.versions,
    },
    policyDigest,
    log,
    heads: new KnownHeads(() => performance.now()),
    now: () => Date.now(),
  };
  return {
    parts,
    async close() {
      await pool.close();
      store.close();
      await shares.close();
      await db.destroy();
    },
  };
}

/** Where staged batches lie. Amazon's library is loaded by those who use it alone: it takes a while. */
async function openStore({ stagingBucket, stagingFolder, limits }: Config): Promise<BlobStore> {
  const { stagingBytesMax: bytesMax, requestTimeoutSeconds } = limits;
  if (stagingBucket === undefined) return openFolderStore({ folder: stagingFolder, bytesMax });
  const { openS3Store } = await import('./staging/s3-store.ts');
  return openS3Store({ ...stagingBucket, bytesMax, requestTimeoutSeconds });
}

/** Opens the site's state; also for commands that look into it at the site. */
export const openState = ({
  stateFile,
  stateDatabase,
}: Pick<Config, 'stateFile' | 'stateDatabase'>): Promise<Database> => openDatabase(stateDatabase ?? stateFile);

/** What references may point at, by the streams of the configuration. */
export function scopeOf(config: Pick<Config, 'instance' | 'streams'>): ReferenceScope {
  const typesOf = (direction: 'up' | 'down'): Set<string> =>
    new Set(config.streams.filter((stream) => stream.direction === direction).map((stream) => stream.type));
  // No stream carries what a urn points at.
  return { instance: config.instance, upTypes: typesOf('up'), downTypes: typesOf('down'), urns: 'detach' };
}

/** The policy as the pipeline uses it, with its plug-ins. Its digest is the one that the hub approves. */
export async function compiledPolicyOf(
  config: Pick<Config, 'instance' | 'streams' | 'policy' | 'plugins'>,
): Promise<CompiledPolicy> {
  const plugins = await loadPlugins(config.plugins.map((plugin) => plugin.moduleUrl));
  return compilePolicy(config.policy, scopeOf(config), plugins);
}

function rulesetOf({ policy, plugins, keys }: Config, compiled: CompiledPolicy, direction: 'up' | 'down'): Ruleset {
  const { scope, digest, document } = compiled;
  const { pseudonym } = keys;
  const modules = plugins.map((plugin) => plugin.moduleUrl);
  const types = [[...scope.upTypes], [...scope.downTypes]];
  const identity = JSON.stringify([direction, digest, scope.instance, types, pseudonym.currentVersion, modules]);
  const current = pseudonym.currentVersion;
  const older = pseudonym.versions.filter((version) => version !== current);
  return {
    id: createHash('sha256').update(identity).digest('hex'),
    direction,
    policy,
    plugins: modules,
    guards: direction === 'up' && document.leakGuard !== 'off',
    scope,
    pseudonymKeyVersion: current,
    pseudonymKey: pseudonym.key(current),
    olderKeys: new Map(older.map((version) => [version, pseudonym.key(version)])),
    hashKeyVersion: document.keys.pseudonym ?? current,
  };
}

/** A client of one of the two servers; without a limiter for somebody who asks a question or two. */
export function connectServer(
  config: ServerConfig,
  limits: Limits,
  limiter: Limiter = noLimiter,
): ChangeSource & CommitTarget {
  const { url, auth, ca } = config;
  const trust = ca === undefined ? {} : { ca };
  const { requestTimeoutSeconds } = limits;
  const authorizer =
    auth.kind === 'basic'
      ? basicAuth(auth.client, auth.secret)
      : clientCredentials({ ...auth, ...trust, requestTimeoutSeconds });
  return createAidbox(
    createTransport({ url, authorizer, limiter, ...trust, requestTimeoutSeconds, answerBytesMax: limits.pageBytesMax }),
  );
}
