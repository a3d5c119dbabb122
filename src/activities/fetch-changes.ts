/**
 * fetch-changes: reads one batch of a stream from its source into encrypted staging.
 * Which range, and why that loses nothing: `src/sync/window.ts`. Raw data goes nowhere else.
 */
import { forgetHeads } from '../state/heads.ts';
import { readStream, type StreamKey, type StreamPosition, updateStream, writeStream } from '../state/streams.ts';
import { settleSeen, windowRows } from '../state/window.ts';
import { advance, nextRead, type VersionRange } from '../sync/window.ts';
import type { Batch, FetchInput, FetchResult, InFlight } from './contract.ts';
import { collectChanges } from './fetch/collect.ts';
import { deletionBatch, leftoverBatch, retryBatch, wantedBatch } from './fetch/own-work.ts';
import { waitForLowerTiers } from './fetch/tier-gate.ts';
import { cancelSignal, guarded, onSide, TroubleError } from './failures.ts';
import { requireHere } from './leave/here.ts';
import { noteHead } from './note-head.ts';
import { type Parts, settleMsOf, sourceName } from './parts.ts';
import { agreeWithTarget } from './reconcile-cursor.ts';
import { newBatchId } from './staged.ts';
import { totalsOf } from './totals.ts';

export const createFetchChanges = (parts: Parts): ((input: FetchInput) => Promise<FetchResult>) =>
  guarded('fetch-changes', parts.log, (input: FetchInput) => fetchChanges(parts, input));

async function fetchChanges(
  parts: Parts,
  { stream, inFlight, discard = [], tidyOnly = false, leftoversConfirmed = false }: FetchInput,
): Promise<FetchResult> {
  assertConfigured(parts, stream);
  if (inFlight === undefined) await agreeWithTarget(parts, stream);
  // Only now: one of them may have been committed after all, and is noted by its staged plan.
  for (const batch of discard) await parts.staging.discard(batch);
  if (tidyOnly) return { kind: 'later' };
  await requireHere(parts.db);
  const position = await positionOf(parts, stream, inFlight);
  if (!position.loaded && inFlight === undefined) {
    const types = await waitForLowerTiers(parts, position);
    if (types.length > 0) return { kind: 'wait', types };
  }
  const source = parts.servers[sourceName(stream.direction)];
  const head = await onSide('source', () => source.head(stream.type, cancelSignal()));
  const matured = await noteHead(parts, stream, head);
  if (inFlight === undefined) {
    const input = { position, head, matured, leftoversConfirmed };
    const own =
      (await retryBatch(parts, stream, input)) ??
      (await wantedBatch(parts, stream, input)) ??
      (await deletionBatch(parts, stream, input)) ??
      (await leftoverBatch(parts, stream, input));
    if (own !== undefined) return own;
  }
  const rows = await windowRows(parts.db, stream, position.settled);
  const next = nextRead({ ...position, windowRows: rows }, head, matured, parts.limits.overlapRowsMax);
  switch (next.kind) {
    case 'source-restored':
      await forgetHeads(parts.db, sourceName(stream.direction));
      throw new TroubleError('source-restored');
    case 'caught-up':
      await noteCurrent(parts, stream);
      return { kind: 'caught-up', head, totals: await totalsOf(parts, stream) };
    case 'sweep':
      // A sweep moves `settled` by itself where it finds nothing: not before the batch in flight is safe.
      if (inFlight !== undefined) return { kind: 'later' };
      return readRange(parts, stream, { position, range: next.range, head, matured });
    case 'read':
      return readRange(parts, stream, {
        position,
        range: next.range,
        head,
        matured,
        ...(inFlight && { inFlight }),
      });
  }
}

/** A Schedule or a command may name a stream that the worker was never told of. */
function assertConfigured(parts: Parts, stream: StreamKey): void {
  const configured = parts.streams.some(
    ({ direction, type }) => direction === stream.direction && type === stream.type,
  );
  if (!configured) throw new TroubleError('stream-unknown');
}

async function positionOf(parts: Parts, stream: StreamKey, inFlight: InFlight | undefined): Promise<StreamPosition> {
  const position = await readStream(parts.db, stream);
  if (inFlight === undefined) return position;
  // A resync in between: whatever is in flight will lose, and so would this.
  if (inFlight.epoch !== position.epoch) throw new TroubleError('lost-race');
  return { ...position, settled: inFlight.settled, delivered: inFlight.delivered };
}

async function noteCurrent(parts: Parts, stream: StreamKey): Promise<void> {
  const now = parts.now();
  await updateStream(parts.db, stream, (at) => ({ ...at, loaded: true, progressAtMs: now, currentAtMs: now }));
}

interface Reading {
  readonly position: StreamPosition;
  readonly range: VersionRange;
  readonly head: number;
  readonly matured: number;
  readonly inFlight?: InFlight;
}

/** Reads from `range.lo` up, as far as one batch goes. */
async function readRange(parts: Parts, stream: StreamKey, reading: Reading): Promise<FetchResult> {
  const { position, range, head, matured, inFlight } = reading;
  const id = newBatchId(parts.instance, stream, position.epoch);
  const found = await collectChanges(parts, stream, {
    id,
    range,
    inFlight: inFlight?.batch ?? '',
    // A later epoch's first load meets a target that holds the newest states: history must not be played to it again.
    currentStates: position.epoch > 1 && !position.loaded,
  });
  if (range.lo < position.delivered && range.hi > position.delivered && found.hi <= position.delivered) {
    // The unsettled window alone fills a batch: what is new comes first, the window when it has settled.
    await parts.staging.discard(id);
    return readRange(parts, stream, { ...reading, range: { lo: position.delivered, hi: range.hi } });
  }
  const read = { lo: range.lo, hi: found.hi };
  await updateStream(parts.db, stream, (at) => ({ ...at, progressAtMs: parts.now() }));
  if (found.changes === 0) {
    if (inFlight !== undefined) return { kind: 'later' };
    await advanceAlone(parts, stream, read, matured);
    // Nothing new in what was read; there may be more to read.
    return fetchChanges(parts, { stream });
  }
  const batch: Batch = {
    stream,
    id,
    epoch: position.epoch,
    range: read,
    from: { settled: position.settled, delivered: position.delivered },
    matured,
    head,
    form: 'raw',
    parts: found.parts,
    changes: found.changes,
    deleted: found.deleted,
    withheld: 0,
    quarantined: found.quarantined,
  };
  parts.log.info('batch-fetched', {
    ...stream,
    batch: id,
    rows: found.rows,
    changes: found.changes,
    requests: found.requests,
  });
  return { kind: 'batch', batch, steps: parts.steps.map((step) => step.name) };
}

/** Moves the positions where a range brought nothing that has to be committed. */
async function advanceAlone(parts: Parts, stream: StreamKey, range: VersionRange, matured: number): Promise<void> {
  await parts.db.transaction().execute(async (tx) => {
    const at = await readStream(tx, stream);
    const moved = advance(at, range, matured);
    await settleSeen(tx, stream, '', moved.settled, settleMsOf(parts.limits));
    await writeStream(tx, { ...at, ...moved });
  });
}
