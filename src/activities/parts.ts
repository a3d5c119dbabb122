/** What the activities work with; `src/worker.ts` puts it together, tests put together their own. */
import type { Sealer } from '../crypto/seal.ts';
import type { ChangeSource, CommitTarget } from '../fhir/server.ts';
import type { Limits } from '../limits.ts';
import type { Log } from '../log.ts';
import type { Staging } from '../staging/staging.ts';
import type { Database } from '../state/database.ts';
import type { KnownHeads, ServerName } from '../state/heads.ts';
import type { Direction } from '../state/tables.ts';
import type { Ruleset } from '../threads/task.ts';
import type { ThreadPool } from '../threads/pool.ts';

export interface Parts {
  readonly instance: string;
  readonly streams: readonly { readonly direction: Direction; readonly type: string; readonly everySeconds: number }[];
  readonly steps: readonly { readonly name: string; readonly moduleUrl: string }[];
  readonly limits: Limits;
  readonly servers: Readonly<Record<ServerName, ChangeSource & CommitTarget>>;
  readonly staging: Staging;
  readonly db: Database;
  readonly sealer: Sealer;
  readonly pool: ThreadPool;
  readonly rulesets: Readonly<Record<Direction, Ruleset>>;
  /** Versions of the site's keys, by their purpose. */
  readonly keyVersions: Readonly<Record<'staging' | 'pseudonym' | 'payload', readonly number[]>>;
  /** Digest of the de-identification policy: what the hub approves. */
  readonly policyDigest: string;
  readonly log: Log;
  /** What this process knows of the sources' newest versions. */
  readonly heads: KnownHeads;
  /** Milliseconds since the epoch, by a clock that may jump: for what is shown and logged, and what is not hurt by it. */
  readonly now: () => number;
}

/** The server that a direction reads from, and the one it writes to. */
export const sourceName = (direction: Direction): ServerName => (direction === 'up' ? 'instance' : 'hub');
export const targetName = (direction: Direction): ServerName => (direction === 'up' ? 'hub' : 'instance');

/** The policy digest that a direction's output follows; `down` is not de-identified and has none. */
export const policyOf = (parts: Parts, direction: Direction): string => (direction === 'up' ? parts.policyDigest : '');

/** How long after a head was seen nothing at or below it can be in flight any more. */
export const settleMsOf = (limits: Limits): number =>
  (limits.longestTransactionSeconds + limits.clockDriftSeconds) * 1_000;
