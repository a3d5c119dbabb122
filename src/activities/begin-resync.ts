/**
 * begin-resync: looks first at what would stand in its way (preflight.ts), then begins a new epoch of a stream, in which
 * everything is read from version 0 and written again. What the ledger knows to be in the target stays known; only its
 * digests stop to count.
 */
import { dropDeletionsOf } from '../state/deletions.ts';
import { forgetOtherKeys } from '../state/guard-patients.ts';
import { forgetHeads } from '../state/heads.ts';
import { forgetSeen } from '../state/window.ts';
import { noCounts, readStream, type StreamKey, writeStream } from '../state/streams.ts';
import { forgetVersionsOf } from '../state/ledger.ts';
import { dropParked } from '../state/parked.ts';
import { lastResync, noteResync, type ResyncFound } from '../state/resyncs.ts';
import { dropWantedOf } from '../state/wanted.ts';
import { compareCursor, cursorOf, type CursorVerdict } from '../sync/cursor.ts';
import { readCursor } from './commit/cursor-writes.ts';
import type { ResyncInput, ResyncResult } from './contract.ts';
import { guarded } from './failures.ts';
import { requireHere } from './leave/here.ts';
import { type Parts, sourceName } from './parts.ts';
import { type Preflight, preflight } from './preflight.ts';
import { totalsOf } from './totals.ts';

export const createBeginResync = (parts: Parts): ((input: ResyncInput) => Promise<ResyncResult>) =>
  guarded('begin-resync', parts.log, (input: ResyncInput) => beginResync(parts, input));

async function beginResync(parts: Parts, { stream, acceptFewer = false }: ResyncInput): Promise<ResyncResult> {
  await requireHere(parts.db);
  const { found, refused } = (await begunBefore(parts, stream)) ?? (await preflight(parts, stream, acceptFewer));
  if (refused.length === 0) {
    await beginAnew(parts, stream, found);
    return { ...(await totalsOf(parts, stream)), found };
  }
  const { epoch } = await readStream(parts.db, stream);
  await noteResync(parts.db, stream, { atMs: parts.now(), refused, epoch, found });
  parts.log.warn('resync-refused', { ...stream, reasons: refused.join(',') });
  return { refused, found };
}

/** What an attempt before this one had found when it began the epoch, in which nothing has been done yet. */
async function begunBefore({ db }: Parts, stream: StreamKey): Promise<Preflight | undefined> {
  const at = await readStream(db, stream);
  const answer = await lastResync(db, stream);
  const isNew = answer?.epoch === at.epoch && at.sequence === 0 && at.delivered === 0;
  return isNew && answer.refused.length === 0 ? answer : undefined;
}

/**
 * Begins the new epoch.
 * @param found - what was looked at before; absent where nobody has asked for a resync
 */
export async function beginAnew(parts: Parts, stream: StreamKey, found?: ResyncFound): Promise<void> {
  const versioned = await readCursor(parts, stream);
  await parts.db.transaction().execute(async (tx) => {
    const at = await readStream(tx, stream);
    // An attempt of this activity may have begun the epoch already, and nothing was committed in it since.
    const begun = at.sequence === 0 && at.delivered === 0 && at.epoch > (cursorOf(versioned?.resource)?.epoch ?? 0);
    const epoch = begun ? at.epoch : Math.max(at.epoch, cursorOf(versioned?.resource)?.epoch ?? 0) + 1;
    // Somebody edits copies while the target is what it was, and then a conflict says so. One that was restored says nothing.
    if (!isFamiliar(compareCursor(cursorOf(versioned?.resource), at, at.policy))) await forgetVersionsOf(tx, stream);
    await forgetSeen(tx, stream);
    // Parked under the old policy, perhaps; all of it is read again.
    await dropParked(tx, stream);
    await dropWantedOf(tx, stream);
    await dropDeletionsOf(tx, stream);
    // After a change of the pseudonym key no output is compared with hashes of before.
    if (stream.direction === 'up') await forgetOtherKeys(tx, parts.rulesets.up.hashKeyVersion);
    // Where the source was restored, heads of before are of another history.
    await forgetHeads(tx, sourceName(stream.direction));
    const fresh = {
      epoch,
      sequence: 0,
      settled: 0,
      delivered: 0,
      policy: '',
      loaded: false,
      counts: noCounts,
      leftoversFrom: 0,
    };
    const atMs = parts.now();
    await writeStream(tx, { ...at, ...fresh, progressAtMs: atMs });
    if (found !== undefined) await noteResync(tx, stream, { atMs, refused: [], epoch, found });
    const { source, target: held } = found ?? {};
    parts.log.info('stream-resync', {
      ...stream,
      epoch,
      ...(source !== undefined && { source }),
      ...(held !== undefined && { target: held }),
    });
  });
}

/** Whether the target is as this site has left it, by its cursor. */
const isFamiliar = ({ kind }: CursorVerdict): boolean => kind === 'agree';
