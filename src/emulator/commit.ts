import { setTimeout as sleep } from 'node:timers/promises';
import type { Context } from './context.ts';
import type { Counters } from './counters.ts';
import { seededRandom } from './random.ts';
import { isReferenced } from './references.ts';
import { Refusal } from './refusal.ts';
import type { Transaction } from './transaction.ts';

/** Ends a transaction that came over HTTP, at once or late. */
export type Commit = (tx: Transaction, isolationHeader: string | undefined) => Promise<void>;

/**
 * Commits as the settings say. A late transaction has its txids and its answer already; when another one has written the
 * same ids in between, the first to commit wins and the other gets 412, as PostgreSQL's SERIALIZABLE does it.
 * Source: Aidbox docs, page "Update", section "Isolation levels".
 */
export function committer(context: Context, counters: Counters): Commit {
  const { lateCommits, seed, isolation, deleteIntegrity } = context.options;
  const random = seededRandom(seed);
  return async (tx, isolationHeader) => {
    if (lateCommits !== null && tx.hasWrites && random() < lateCommits.share) {
      await sleep(1 + Math.floor(random() * lateCommits.maxDelayMs));
      const lowered = isolationHeader !== undefined && isolationHeader !== 'serializable';
      if (tx.conflicts(isolation === 'serializable' && !lowered)) {
        tx.rollback();
        throw serializationFailure();
      }
    }
    if (deleteIntegrity) refuseReferenced(context, tx);
    counters.resourcesIn += tx.commit().length;
  };
}

/** Nothing that a live resource refers to may be deleted. The answer has the words of HAPI FHIR's. */
function refuseReferenced(context: Context, tx: Transaction): void {
  const key = tx.deletedKeys.find((deleted) => isReferenced(tx, context.store.types, deleted));
  if (key === undefined) return;
  tx.rollback();
  throw new Refusal(409, {
    code: 'conflict',
    diagnostics: `Unable to delete ${key} because at least one resource has a reference to this resource`,
  });
}

/** The 412 of two transactions in each other's way, with no If-Match sent. */
export function serializationFailure(): Refusal {
  return new Refusal(412, {
    code: 'conflict',
    diagnostics: 'could not serialize access due to read/write dependencies among transactions',
  });
}
