/**
 * The plan of a commit: what is written, in which transactions, and where the stream stands afterwards. Made once,
 * staged beside the batch, followed by every attempt.
 */
import pMap from 'p-map';

import { type LedgerEntry, readLedger } from '../../state/ledger.ts';
import { type ParkCandidate, resolveReferences } from '../../state/parked.ts';
import { putInQuarantine, type QuarantineReason } from '../../state/quarantine.ts';
import { noCounts, type StreamCounts, type StreamKey, type StreamPosition } from '../../state/streams.ts';
import { commitLabel } from '../../sync/commit-label.ts';
import { planBundles, type PlanItem, type PlannedBundle } from '../../sync/bundles.ts';
import { advance } from '../../sync/window.ts';
import type { InspectedLine } from '../../threads/task.ts';
import type { Batch } from '../contract.ts';
import { heartbeat, TroubleError } from '../failures.ts';
import { type Parts, policyOf } from '../parts.ts';
import { readPart } from '../staged.ts';
import { breakerCheck } from './breaker.ts';
import { parkedContext, quarantineContext } from './contexts.ts';

/** One write. `at` is where its JSON lies in the batch's form; a released parked resource has none. */
export interface PlannedWrite {
  readonly key: string;
  readonly method: 'PUT' | 'DELETE';
  readonly digest: string;
  readonly needs: readonly string[];
  readonly at?: { readonly part: number; readonly start: number; readonly end: number };
}

export interface CommitPlan {
  readonly stream: StreamKey;
  /** Names this commit in the cursor and in fences. */
  readonly label: string;
  /** The batch whose pending rows become seen; a release round has none. */
  readonly batch: string;
  readonly form: string;
  readonly epoch: number;
  readonly sequence: number;
  readonly settled: number;
  readonly delivered: number;
  readonly head: number;
  readonly policy: string;
  readonly writes: readonly PlannedWrite[];
  readonly bundles: readonly PlannedBundle[];
  /** Bundle n goes through lane n modulo this. Part of the plan: a lane's note says which bundles *of the lane* are through. */
  readonly lanes: number;
  /** What the batch adds to the stream's totals, but for what the sending decides. */
  readonly counts: StreamCounts;
  readonly unchangedKeys: readonly string[];
  readonly released: number;
}

interface Inspected {
  readonly items: readonly { readonly line: InspectedLine; readonly part: number }[];
  readonly quarantined: number;
  readonly contentOf: (part: number, start: number, end: number) => Uint8Array;
}

/** Plans a batch's own commit. */
export async function planBatch(parts: Parts, batch: Batch, position: StreamPosition): Promise<CommitPlan> {
  const inspected = await inspect(parts, batch);
  breakerCheck(parts.limits, batch.quarantined + inspected.quarantined, batch.changes);
  const keys = inspected.items.map(({ line }) => line.key);
  const ledger = await readLedger(parts.db, batch.stream.direction, keys);
  const isUnchanged = ({ line }: Inspected['items'][number]): boolean =>
    equalsLedger(line, ledger.get(line.key), position.epoch);
  const changed = inspected.items.filter((item) => !isUnchanged(item));
  const unchangedKeys = inspected.items.filter(isUnchanged).map(({ line }) => line.key);
  const deletes = changed.filter(({ line }) => line.kind === 'delete').map(({ line }) => line.key);
  const resolution = await resolve(parts, batch.stream, {
    label: batch.id,
    candidates: changed.flatMap((item) => candidateOf(parts, batch.stream, inspected, item)),
    superseded: [...unchangedKeys, ...deletes],
  });
  const writes: PlannedWrite[] = [
    ...changed.flatMap(({ line, part }): PlannedWrite[] =>
      line.kind === 'put' && resolution.ready.has(line.key)
        ? [
            {
              key: line.key,
              method: 'PUT',
              digest: line.digest,
              needs: line.needs,
              at: { part, start: line.start, end: line.end },
            },
          ]
        : [],
    ),
    ...resolution.released.map(({ key, digest, needs }): PlannedWrite => ({ key, method: 'PUT', digest, needs })),
    ...deletes.map((key): PlannedWrite => ({ key, method: 'DELETE', digest: '', needs: [] })),
  ];
  const bytesOfReleased = new Map(resolution.released.map(({ key, bytes }) => [key, bytes]));
  const moved = advance(position, batch.range, batch.matured);
  const counts = { ...noCounts, changes: batch.changes, unchanged: unchangedKeys.length, withheld: batch.withheld };
  return finishPlan(parts, {
    ...batch,
    label: batch.id,
    batch: batch.id,
    position,
    moved,
    writes,
    bytesOfReleased,
    counts,
    unchangedKeys,
  });
}

/** Plans the release of parked resources whose targets have all arrived; `undefined` where there are none. */
export async function planRelease(
  parts: Parts,
  batch: Batch,
  round: number,
  position: StreamPosition,
): Promise<CommitPlan | undefined> {
  const label = commitLabel(batch.id, round);
  const { released } = await resolve(parts, batch.stream, { label, candidates: [], superseded: [] });
  if (released.length === 0) return undefined;
  const writes = released.map(({ key, digest, needs }): PlannedWrite => ({ key, method: 'PUT', digest, needs }));
  const bytesOfReleased = new Map(released.map(({ key, bytes }) => [key, bytes]));
  const moved = { settled: position.settled, delivered: position.delivered };
  return finishPlan(parts, {
    ...batch,
    label,
    batch: '',
    position,
    moved,
    writes,
    bytesOfReleased,
    counts: noCounts,
    unchangedKeys: [],
  });
}

async function inspect(parts: Parts, batch: Batch): Promise<Inspected> {
  const { direction, type } = batch.stream;
  const bytes: Buffer[] = [];
  const refused: { key: string; reason: string; line: Uint8Array }[] = [];
  const perPart = await pMap(
    Array.from({ length: batch.parts }, (_, part) => part),
    async (part) => {
      const lines = await readPart(parts.staging, batch.id, batch.form, part);
      bytes[part] = lines;
      const outcome = await parts.pool.inspect({ ruleset: parts.rulesets[direction], type, lines });
      heartbeat({ inspected: part });
      refused.push(...outcome.refused);
      return outcome.items.map((line) => ({ line, part }));
    },
    { concurrency: parts.limits.workerThreadsMax },
  );
  const entries = refused.map(({ key, reason, line }) => ({
    key,
    reason: reason as QuarantineReason,
    status: 0,
    batch: batch.id,
    content: parts.sealer.seal(line, quarantineContext(direction, key)),
  }));
  await putInQuarantine(parts.db, direction, entries, parts.now());
  const contentOf = (part: number, start: number, end: number): Uint8Array =>
    bytes[part]?.subarray(start, end) ?? new Uint8Array();
  return { items: perPart.flat(), quarantined: refused.length, contentOf };
}

/** Whether the target has this state already, by what this site wrote in this epoch. */
function equalsLedger(line: InspectedLine, entry: LedgerEntry | undefined, epoch: number): boolean {
  if (entry?.epoch !== epoch) return false;
  return line.kind === 'delete' ? entry.digest === '' : entry.digest === line.digest;
}

function candidateOf(
  parts: Parts,
  stream: StreamKey,
  inspected: Inspected,
  { line, part }: Inspected['items'][number],
): ParkCandidate[] {
  if (line.kind === 'delete') return [];
  const { key, digest, needs, start, end } = line;
  const sealedContent = (): Uint8Array =>
    parts.sealer.seal(inspected.contentOf(part, start, end), parkedContext(stream.direction, key));
  return [{ key, digest, needs, bytes: end - start, sealedContent }];
}

async function resolve(
  parts: Parts,
  stream: StreamKey,
  input: { label: string; candidates: readonly ParkCandidate[]; superseded: readonly string[] },
): Promise<Exclude<Awaited<ReturnType<typeof resolveReferences>>, string>> {
  const resolution = await resolveReferences(parts.db, {
    direction: stream.direction,
    batch: input.label,
    candidates: input.candidates,
    superseded: input.superseded,
    nowMs: parts.now(),
    parkedCountMax: parts.limits.parkedCountMax,
  });
  if (resolution === 'claimed') throw new TroubleError('parked-claimed');
  if (resolution === 'full') throw new TroubleError('parked-full');
  return resolution;
}

interface PlanDraft {
  readonly stream: StreamKey;
  readonly label: string;
  readonly batch: string;
  readonly form: string;
  readonly head: number;
  readonly position: StreamPosition;
  readonly moved: { readonly settled: number; readonly delivered: number };
  readonly writes: readonly PlannedWrite[];
  readonly bytesOfReleased: ReadonlyMap<string, number>;
  readonly counts: StreamCounts;
  readonly unchangedKeys: readonly string[];
}

/** Bytes of an entry around the resource's JSON: method, url and braces. */
const entryOverheadBytes = 160;

async function finishPlan(parts: Parts, draft: PlanDraft): Promise<CommitPlan> {
  const { stream, label, batch, form, head, position, moved, writes, counts, unchangedKeys } = draft;
  const items = writes.map((write): PlanItem => {
    const bytes = write.at === undefined ? (draft.bytesOfReleased.get(write.key) ?? 0) : write.at.end - write.at.start;
    return { key: write.key, method: write.method, needs: write.needs, bytes: bytes + entryOverheadBytes };
  });
  const { bundleEntriesMax, bundleBytesMax } = parts.limits;
  const { bundles, tooLarge } = planBundles(items, { entriesMax: bundleEntriesMax, bytesMax: bundleBytesMax });
  const entries = tooLarge.map((index) => ({
    key: writes[index]?.key ?? '',
    reason: 'set-too-large' as const,
    status: 0,
    batch: label,
    content: null,
  }));
  await putInQuarantine(parts.db, stream.direction, entries, parts.now());
  return {
    stream,
    label,
    batch,
    form,
    epoch: position.epoch,
    sequence: position.sequence + 1,
    ...moved,
    head,
    policy: policyOf(parts, stream.direction),
    writes,
    bundles,
    lanes: parts.limits.bundlesInFlightMax,
    counts,
    unchangedKeys,
    released: draft.bytesOfReleased.size,
  };
}
