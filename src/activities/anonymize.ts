/**
 * anonymize: de-identifies a staged batch in worker threads, part by part, then compares it with the words that the leak
 * guard knows. Raw parts stay where they are, sealed.
 */
import { randomBytes } from 'node:crypto';

import pMap from 'p-map';

import { supersedeParked } from '../state/parked.ts';
import {
  putInQuarantine,
  type QuarantineEntry,
  type QuarantineForm,
  type QuarantineReason,
} from '../state/quarantine.ts';
import type { AnonymizeOutcome, RefusedLine } from '../threads/task.ts';
import type { AnonymizeInput, Batch } from './contract.ts';
import { requireEpoch } from './epoch.ts';
import { guarded, heartbeat, TroubleError } from './failures.ts';
import { guardBatch, storeWords } from './guard/batch.ts';
import type { Parts } from './parts.ts';
import { quarantineEntry } from './quarantined.ts';
import { readPart, writePart } from './staged.ts';

export const createAnonymize = (parts: Parts): ((input: AnonymizeInput) => Promise<Batch>) =>
  guarded('anonymize', parts.log, (input: AnonymizeInput) => anonymize(parts, input));

async function anonymize(parts: Parts, { batch, asOf }: AnonymizeInput): Promise<Batch> {
  const { direction, type } = batch.stream;
  const { guards, hashKeyVersion } = parts.rulesets[direction];
  // What the guard masks hangs on the words known by then: an attempt that was overtaken must not write into the parts
  // of the one that goes on.
  const form = guards ? `clean-${randomBytes(4).toString('hex')}` : 'clean';
  const outcomes = await deidentifyParts(parts, batch, asOf, form);
  // Durable before anything can pass: whatever is compared from now on, in any stream, is compared with them as well.
  const words = guards
    ? await storeWords(
        parts,
        hashKeyVersion,
        outcomes.map((outcome) => outcome.removed),
        (tx) => requireEpoch(tx, batch),
      )
    : { added: 0, late: 0 };
  const comparison = guards ? await guardBatch(parts, batch, form) : { masked: 0, refused: [] };
  const entryOf =
    (form: QuarantineForm) =>
    ({ key, reason, line }: RefusedLine): QuarantineEntry =>
      quarantineEntry(parts.sealer, direction, { key, reason: reason as QuarantineReason, form, content: line });
  const entries = [
    ...outcomes.flatMap((outcome) => outcome.refused).map(entryOf('raw')),
    ...comparison.refused.map(entryOf('clean')),
  ];
  const keys = entries.map((entry) => entry.key);
  await parts.db.transaction().execute(async (tx) => {
    await requireEpoch(tx, batch);
    if (!(await supersedeParked(tx, direction, keys))) throw new TroubleError('parked-claimed');
    await putInQuarantine(tx, direction, entries, parts.now());
  });
  const resources = outcomes.reduce((sum, outcome) => sum + outcome.resources, 0);
  const withheld = outcomes.reduce((sum, outcome) => sum + outcome.withheld, 0);
  parts.log.info('batch-anonymized', {
    direction,
    type,
    batch: batch.id,
    resources: resources - comparison.refused.length,
    withheld,
    quarantined: entries.length,
    masked: comparison.masked,
    guardWithheld: comparison.refused.length,
    words: words.added,
    lateWords: words.late,
  });
  return { ...batch, form, withheld, quarantined: batch.quarantined + entries.length };
}

type PartOutcome = Omit<AnonymizeOutcome, 'lines'>;

/** The outcomes come without their lines: those lie in staging. */
async function deidentifyParts(parts: Parts, batch: Batch, asOf: string, form: string): Promise<PartOutcome[]> {
  const { direction, type } = batch.stream;
  const ruleset = parts.rulesets[direction];
  return pMap(
    Array.from({ length: batch.parts }, (_, part) => part),
    async (part) => {
      const lines = await readPart(parts.staging, batch.id, batch.form, part);
      const { lines: clean, ...outcome } = await parts.pool.anonymize({ ruleset, type, asOf, lines });
      await writePart(parts.staging, batch.id, form, part, clean);
      heartbeat({ partsDone: part + 1, partsAll: batch.parts });
      return outcome;
    },
    { concurrency: parts.limits.workerThreadsMax },
  );
}
