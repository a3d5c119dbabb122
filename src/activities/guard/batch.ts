/**
 * The leak guard over a batch that has just been de-identified: the words that rules removed go into the state first, then
 * every output is compared with all that is known of its patient, whichever stream or batch removed it.
 */
import pMap from 'p-map';

import { mergedLists } from '../../crypto/hash-list.ts';
import { patientGroups } from '../../state/guard-patients.ts';
import type { Database } from '../../state/database.ts';
import { addWords, type AddedWords } from '../../state/guard-words.ts';
import { lineRanges } from '../../threads/lines.ts';
import type { RefusedLine, WordLists } from '../../threads/task.ts';
import type { Batch, StreamKey } from '../contract.ts';
import { heartbeat } from '../failures.ts';
import type { Parts } from '../parts.ts';
import { readPart, writePart } from '../staged.ts';
import { hitsAmong } from './hits.ts';
import { lookThrough, markOfLine } from './look.ts';

/**
 * Adds words to the state. They are durable when it returns; to do it again changes nothing.
 * @param requireCurrent - throws, within each transaction, where whoever adds them is overtaken: a site that has left learns
 * no more of its patients
 */
export async function storeWords(
  parts: Parts,
  keyVersion: number,
  lists: readonly WordLists[],
  requireCurrent: (tx: Database) => Promise<void>,
): Promise<AddedWords> {
  const byPatient = new Map<string, Uint8Array[]>();
  for (const [patient, words] of lists.flatMap((list) => [...list])) {
    const others = byPatient.get(patient);
    if (others === undefined) byPatient.set(patient, [words]);
    else others.push(words);
  }
  let added = 0;
  let late = 0;
  for await (const group of patientGroups(parts.db, byPatient.keys())) {
    const words = new Map(group.map((patient) => [patient, mergedLists(byPatient.get(patient) ?? [])]));
    const counts = await parts.db.transaction().execute(async (tx) => {
      await requireCurrent(tx);
      return addWords(tx, { keyVersion, nowMs: parts.now(), words });
    });
    added += counts.added;
    late += counts.late;
    heartbeat({ wordsAdded: added });
  }
  return { added, late };
}

export interface GuardedBatch {
  /** Outputs in which something was masked. */
  readonly masked: number;
  readonly refused: readonly RefusedLine[];
}

/** Compares each output of a batch's form; parts in which something was masked or may not pass are written anew. */
export async function guardBatch(
  parts: Parts,
  batch: Pick<Batch, 'id' | 'stream' | 'parts'>,
  form: string,
): Promise<GuardedBatch> {
  const perPart = await pMap(
    Array.from({ length: batch.parts }, (_, part) => part),
    async (part) => {
      const guarded = await guardPart(parts, batch, form, part);
      heartbeat({ partsGuarded: part + 1, partsAll: batch.parts });
      return guarded;
    },
    { concurrency: parts.limits.workerThreadsMax },
  );
  return {
    masked: perPart.reduce((sum, { masked }) => sum + masked, 0),
    refused: perPart.flatMap(({ refused }) => refused),
  };
}

const lineEnd = Buffer.from('\n');

async function guardPart(
  parts: Parts,
  { id, stream }: Pick<Batch, 'id' | 'stream'>,
  form: string,
  part: number,
): Promise<GuardedBatch> {
  const before = await readPart(parts.staging, id, form, part);
  const { bytes, ...guarded } = await guardBytes(parts, stream.direction, before);
  if (bytes !== undefined) await writePart(parts.staging, id, form, part, bytes);
  return guarded;
}

/** Compares each output of some lines; `bytes` are the lines anew where something was masked or may not pass. */
export async function guardBytes(
  parts: Parts,
  direction: StreamKey['direction'],
  bytes: Uint8Array,
): Promise<GuardedBatch & { readonly bytes?: Uint8Array }> {
  const lines = [...lineRanges(bytes)].map(({ start, end }) => bytes.subarray(start, end));
  const marks = lines.map(markOfLine);
  const hits = [...(await hitsAmong(parts.db, marks))];
  if (hits.length === 0) return { masked: 0, refused: [] };
  const suspects = hits.map(([at, hit]) => ({ line: lines[at] ?? new Uint8Array(), mark: marks[at], hit }));
  const looked = await lookThrough(parts, parts.rulesets[direction], suspects);
  const refused: RefusedLine[] = [];
  const pieces: (Uint8Array | undefined)[] = [...lines];
  let masked = 0;
  for (const [index, [at]] of hits.entries()) {
    const outcome = looked[index];
    if (outcome?.kind === 'masked') masked += 1;
    if (outcome === undefined || outcome.kind === 'withheld') {
      refused.push({ key: marks[at]?.[0]?.resource ?? '', reason: 'leak-guard', line: lines[at] ?? new Uint8Array() });
      pieces[at] = undefined;
    } else pieces[at] = outcome.line;
  }
  const kept = pieces.flatMap((line) => (line === undefined ? [] : [line, lineEnd]));
  return { masked, refused, bytes: Buffer.concat(kept) };
}
