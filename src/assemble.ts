/** Puts a site's parts together: the one place that knows all of them. */
import { createHash } from 'node:crypto';

import type { Parts } from './activities/parts.ts';
import type { Config, ServerConfig } from './config/config.ts';
import { localKeyWrapper } from './crypto/local-key-wrapper.ts';
import { sealerOf } from './crypto/seal.ts';
import { compilePolicy } from './deid/compile.ts';
import type { ReferenceScope } from './deid/engine.ts';
import { createAidbox } from './fhir/aidbox.ts';
import { basicAuth, clientCredentials } from './fhir/auth.ts';
import type { ChangeSource, CommitTarget } from './fhir/server.ts';
import { createTransport } from './fhir/transport.ts';
import type { Limits } from './limits.ts';
import type { Log } from './log.ts';
import { encryptedStaging } from './staging/encrypted-staging.ts';
import { openFolderStore } from './staging/folder-store.ts';
import { openDatabase } from './state/database.ts';
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
  const store = await openFolderStore({ folder: config.stagingFolder, bytesMax: limits.stagingBytesMax });
  const db = await openDatabase(config.stateFile);
  const pool = createThreadPool(limits.workerThreadsMax);
  const scope = scopeOf(config);
  const policyDigest = compilePolicy(config.policy, scope).digest;
  const parts: Parts = {
    instance: config.instance,
    streams: config.streams,
    steps: config.steps,
    limits,
    servers: {
      instance: connectServer(config.servers.instance, limits),
      hub: connectServer(config.servers.hub, limits),
    },
    staging: encryptedStaging(store, localKeyWrapper(keys.staging)),
    db,
    sealer: sealerOf(keys.staging, keys.pseudonym),
    pool,
    rulesets: {
      up: rulesetOf(config, scope, 'up', policyDigest),
      down: rulesetOf(config, scope, 'down', policyDigest),
    },
    policyDigest,
    log,
    now: () => Date.now(),
  };
  return {
    parts,
    async close() {
      await pool.close();
      await db.destroy();
    },
  };
}

/** What references may point at, by the streams of the configuration. */
export function scopeOf(config: Pick<Config, 'instance' | 'streams'>): ReferenceScope {
  const typesOf = (direction: 'up' | 'down'): Set<string> =>
    new Set(config.streams.filter((stream) => stream.direction === direction).map((stream) => stream.type));
  return { instance: config.instance, upTypes: typesOf('up'), downTypes: typesOf('down') };
}

function rulesetOf(config: Config, scope: ReferenceScope, direction: 'up' | 'down', policyDigest: string): Ruleset {
  const { pseudonym } = config.keys;
  const identity = JSON.stringify([
    direction,
    policyDigest,
    scope.instance,
    [...scope.upTypes],
    [...scope.downTypes],
    pseudonym.currentVersion,
  ]);
  return {
    id: createHash('sha256').update(identity).digest('hex'),
    direction,
    policy: config.policy,
    scope,
    pseudonymKeyVersion: pseudonym.currentVersion,
    pseudonymKey: pseudonym.key(pseudonym.currentVersion),
  };
}

/** A client of one of the two servers. */
export function connectServer(config: ServerConfig, limits: Limits): ChangeSource & CommitTarget {
  const { url, auth, ca } = config;
  const trust = ca === undefined ? {} : { ca };
  const { requestTimeoutSeconds } = limits;
  const authorizer =
    auth.kind === 'basic'
      ? basicAuth(auth.client, auth.secret)
      : clientCredentials({ ...auth, ...trust, requestTimeoutSeconds });
  return createAidbox(
    createTransport({ url, authorizer, ...trust, requestTimeoutSeconds, answerBytesMax: limits.pageBytesMax }),
  );
}
