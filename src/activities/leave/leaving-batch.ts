/**
 * leaving-batch: deletes of what this instance has in the hub, as a batch that goes the way of every other: authorized,
 * fenced, recorded. Found by the ledger and by the origin tag in the hub, since either may have lost some. Without the
 * breaker of a resync's leftovers: an operator has confirmed it by the instance's name.
 */
import type { Departure } from '../../state/departures.ts';
import { forgetDeleted, idOfKey, liveLedger, typeOfKey } from '../../state/ledger.ts';
import { quarantinedAmong, releaseHeld } from '../../state/quarantine.ts';
import { readStream } from '../../state/streams.ts';
import { deleteLine } from '../../threads/lines.ts';
import type { LeavingInput, LeavingResult, StreamKey } from '../contract.ts';
import { guarded, heartbeat, TroubleError } from '../failures.ts';
import { stage } from '../fetch/own-work.ts';
import { ownInTarget } from '../own-in-target.ts';
import type { Parts } from '../parts.ts';
import { agreeWithTarget } from '../reconcile-cursor.ts';
import { newBatchId } from '../staged.ts';
import { requireLeaving } from './here.ts';
import { leavingStreams } from './streams.ts';

export const createLeavingBatch = (parts: Parts): ((input: LeavingInput) => Promise<LeavingResult>) =>
  guarded('leaving-batch', parts.log, (input: LeavingInput) => leavingBatch(parts, input));

async function leavingBatch(parts: Parts, { stream, types, again }: LeavingInput): Promise<LeavingResult> {
  const departure = await requireLeaving(parts.db);
  if (departure.data !== 'delete') throw new TroubleError('lost-race');
  await agreeWithTarget(parts, stream);
  if (again) await releaseHeld(parts.db, stream.direction, types);
  const found = { keys: new Set<string>(), held: new Set<string>() };
  for (const type of types) await findKeys(parts, { direction: stream.direction, type }, found);
  const deleted = await deletedSoFar(parts, departure);
  if (found.keys.size === 0) return { kind: 'done', held: found.held.size, deleted };
  const keys = [...found.keys];
  // What the ledger has as deleted, and is there all the same, must not count as unchanged.
  await forgetDeleted(parts.db, stream.direction, keys);
  const position = await readStream(parts.db, stream);
  const { delivered, settled } = position;
  const batch = await stage(
    parts,
    stream,
    { position, head: delivered, matured: settled },
    {
      id: newBatchId(parts.instance, stream, position.epoch),
      own: 'leftovers',
      lines: keys.map((key) => deleteLine(idOfKey(key), typeOfKey(key))),
      deleted: keys.length,
    },
  );
  return { kind: 'batch', batch, deleted };
}

interface Found {
  /** To be deleted. */
  readonly keys: Set<string>;
  /** There, but refused before in this pass. */
  readonly held: Set<string>;
}

/** Looks for what of a type is in the target, up to a batch. */
async function findKeys(parts: Parts, { direction, type }: StreamKey, found: Found): Promise<void> {
  const { batchRowsMax } = parts.limits;
  const add = async (keys: readonly string[]): Promise<void> => {
    const held = await quarantinedAmong(parts.db, direction, keys);
    for (const key of keys) {
      if (held.has(key)) found.held.add(key);
      else if (found.keys.size < batchRowsMax) found.keys.add(key);
    }
    heartbeat({ found: found.keys.size, held: found.held.size });
  };
  for (let after: string | undefined = ''; after !== undefined && found.keys.size < batchRowsMax;) {
    const rows = await liveLedger(parts.db, direction, type, after, batchRowsMax);
    await add(rows.map(({ key }) => key));
    after = rows.at(-1)?.key;
  }
  const isFull = (): boolean => found.keys.size >= batchRowsMax;
  for await (const listed of ownInTarget(parts, { direction, type }, isFull)) await add([...listed.keys()]);
}

/** What this leaving has deleted by now, by type. */
export async function deletedSoFar(
  parts: Pick<Parts, 'db' | 'streams'>,
  { report }: Departure,
): Promise<Record<string, number>> {
  const deleted: Record<string, number> = {};
  for (const { direction, type } of await leavingStreams(parts)) {
    if (direction !== 'up') continue;
    const { counts } = await readStream(parts.db, { direction, type });
    const more = counts.deleted - (report.before[type] ?? counts.deleted);
    if (more > 0) deleted[type] = more;
  }
  return deleted;
}
