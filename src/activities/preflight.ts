/**
 * Before a resync begins: what would make it fail or do damage half way? Looked at without harm, all of it at once, so that
 * whoever asked can mend all of it at once. What passes by itself (a server that is busy) is thrown, to be tried again.
 */
import { fixedLimits } from '../limits.ts';
import type { ResyncFound } from '../state/resyncs.ts';
import type { RefusalCode } from '../sync/denial.ts';
import { troubles } from '../sync/trouble.ts';
import { askHub } from './authorize.ts';
import { readCursor } from './commit/cursor-writes.ts';
import { findFenceModeAnew } from './commit/probe.ts';
import type { StreamKey } from './contract.ts';
import { cancelSignal, onSide, troubleCodeOf, TroubleError } from './failures.ts';
import { originTag } from './own-in-target.ts';
import { type Parts, policyOf, sourceName, targetName } from './parts.ts';
import { newBatchId, writePart } from './staged.ts';

export interface Preflight {
  readonly found: ResyncFound;
  /** Empty where nothing stands in the way. */
  readonly refused: readonly RefusalCode[];
}

/** @param acceptFewer - somebody has said that the source may have far less than the target holds of ours */
export async function preflight(parts: Parts, stream: StreamKey, acceptFewer: boolean): Promise<Preflight> {
  const refused = new Set<RefusalCode>();
  const check = async <Value>(look: () => Promise<Value>): Promise<Value | undefined> => {
    try {
      return await look();
    } catch (error) {
      const code = troubleCodeOf(error);
      if (troubles[code].kind === 'transient' || code === 'unexpected') throw error;
      refused.add(code);
      return undefined;
    }
  };
  const head = await check(() => readableHead(parts, stream));
  const denied = await check(() => askHub(parts, stream));
  if (denied !== undefined) refused.add(denied);
  const fence = await check(() => fenceable(parts, stream));
  await check(() => listable(parts, stream));
  await check(() => stageable(parts, stream));
  await check(() => compilable(parts, stream));
  const target = await counted((signal) => countTarget(parts, stream, signal));
  const source = await counted((signal) => countSource(parts, stream, signal));
  if (!acceptFewer && isFarFewer(parts, source, target)) refused.add('fewer-at-source');
  const found: ResyncFound = {
    policy: policyOf(parts, stream.direction),
    ...(head !== undefined && { head }),
    ...(source !== undefined && { source }),
    ...(target !== undefined && { target }),
    ...(fence !== undefined && { fence }),
  };
  return { found, refused: [...refused] };
}

/** An id that no resource has. It stands in the body of a request. */
const nobody = 'sluice-preflight';

/** The source's newest version, once it has shown that it lets us read what a resync reads. */
async function readableHead(parts: Parts, { direction, type }: StreamKey): Promise<number> {
  const source = parts.servers[sourceName(direction)];
  return onSide('source', async () => {
    const head = await source.head(type, cancelSignal());
    if (head > 0) {
      const newest = { lo: head - 1, hi: head, count: 1, page: 1, idsOnly: true };
      await source.page(type, newest, cancelSignal());
    }
    await source.current(type, [nobody], cancelSignal());
    return head;
  });
}

/** How the target is fenced, once the cursor could be read there and a probe written. */
async function fenceable(parts: Parts, stream: StreamKey): Promise<ResyncFound['fence']> {
  await readCursor(parts, stream);
  return findFenceModeAnew(parts, stream.direction);
}

/** The sweep at the end of a resync lists the target by the origin tag. */
async function listable(parts: Parts, { direction, type }: StreamKey): Promise<void> {
  const target = parts.servers[targetName(direction)];
  const request = { ...originTag(parts, direction), count: 1, page: 1 };
  try {
    await onSide('target', () => target.taggedIds(type, request, cancelSignal()));
  } catch (error) {
    throw troubleCodeOf(error) === 'target-forbidden' ? new TroubleError('listing-forbidden') : error;
  }
}

async function stageable({ instance, staging }: Parts, stream: StreamKey): Promise<void> {
  const batch = newBatchId(instance, stream, 0);
  await writePart(staging, batch, 'preflight', 0, Buffer.from('\n'));
  await staging.discard(batch);
}

/** The policy and its plug-ins, in a thread, as they will be used. */
async function compilable({ pool, rulesets, now }: Parts, { direction, type }: StreamKey): Promise<void> {
  const asOf = new Date(now()).toISOString();
  await pool.anonymize({ ruleset: rulesets[direction], type, asOf, lines: new Uint8Array() });
}

/** Counts are for people's eyes: a server that does not count, or takes too long, is no reason to refuse. */
async function counted(count: (signal: AbortSignal) => Promise<number | undefined>): Promise<number | undefined> {
  const stop = cancelSignal();
  try {
    return await count(AbortSignal.any([stop, AbortSignal.timeout(fixedLimits.countSecondsMax * 1_000)]));
  } catch (error) {
    if (stop.aborted) throw error;
    return undefined;
  }
}

const countTarget = (parts: Parts, { direction, type }: StreamKey, signal: AbortSignal): Promise<number | undefined> =>
  onSide('target', () => parts.servers[targetName(direction)].countTagged(type, originTag(parts, direction), signal));

const countSource = (parts: Parts, { direction, type }: StreamKey, signal: AbortSignal): Promise<number | undefined> =>
  onSide('source', () => parts.servers[sourceName(direction)].count(type, signal));

/** As the end of a resync judges it: each resource in the target is of one at the source, so the difference would go. */
function isFarFewer({ limits }: Parts, source: number | undefined, target: number | undefined): boolean {
  if (source === undefined || target === undefined) return false;
  const left = target - source;
  return left >= limits.quarantineCountMin && left > target * limits.leftoversShareMax;
}
