/** anonymize: de-identifies a staged batch in worker threads, part by part. Raw parts stay where they are, sealed. */
import pMap from 'p-map';

import { supersedeParked } from '../state/parked.ts';
import { putInQuarantine, type QuarantineReason } from '../state/quarantine.ts';
import { quarantineContext } from './commit/contexts.ts';
import type { AnonymizeInput, Batch } from './contract.ts';
import { guarded, heartbeat, TroubleError } from './failures.ts';
import type { Parts } from './parts.ts';
import { readPart, writePart } from './staged.ts';

const form = 'clean';

export const createAnonymize = (parts: Parts): ((input: AnonymizeInput) => Promise<Batch>) =>
  guarded('anonymize', parts.log, (input: AnonymizeInput) => anonymize(parts, input));

async function anonymize(parts: Parts, { batch, asOf }: AnonymizeInput): Promise<Batch> {
  const { direction, type } = batch.stream;
  const ruleset = parts.rulesets[direction];
  const outcomes = await pMap(
    Array.from({ length: batch.parts }, (_, part) => part),
    async (part) => {
      const lines = await readPart(parts.staging, batch.id, batch.form, part);
      const outcome = await parts.pool.anonymize({ ruleset, type, asOf, lines });
      await writePart(parts.staging, batch.id, form, part, outcome.lines);
      heartbeat({ partsDone: part + 1, partsAll: batch.parts });
      return outcome;
    },
    { concurrency: parts.limits.workerThreadsMax },
  );
  const refused = outcomes.flatMap((outcome) => outcome.refused);
  const entries = refused.map(({ key, reason, line }) => ({
    key,
    reason: reason as QuarantineReason,
    status: 0,
    batch: '',
    content: parts.sealer.seal(line, quarantineContext(direction, key)),
  }));
  const keys = entries.map((entry) => entry.key);
  await parts.db.transaction().execute(async (tx) => {
    if (!(await supersedeParked(tx, direction, keys))) throw new TroubleError('parked-claimed');
    await putInQuarantine(tx, direction, entries, parts.now());
  });
  const resources = outcomes.reduce((sum, outcome) => sum + outcome.resources, 0);
  const withheld = outcomes.reduce((sum, outcome) => sum + outcome.withheld, 0);
  parts.log.info('batch-anonymized', {
    direction,
    type,
    batch: batch.id,
    resources,
    withheld,
    quarantined: refused.length,
  });
  return { ...batch, form, withheld, quarantined: batch.quarantined + refused.length };
}
