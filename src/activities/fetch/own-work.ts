/**
 * What a stream has to do beside its feed: try quarantined resources again, ask for what others wait for, and after a resync
 * delete from the target what the source no longer has. All of it becomes batches like any other, between two of the feed's:
 * authorized, fenced and recorded the same way, and no retry can come after a newer state of its resource.
 */
import { countDeletions, dueDeletions } from '../../state/deletions.ts';
import { idOfKey } from '../../state/ledger.ts';
import { ledgerCounts, ledgerLeftovers, withoutOwner } from '../../state/leftovers.ts';
import { orderedRetries, type OrderedRetry, takeInHand } from '../../state/retries.ts';
import { type StreamKey, type StreamPosition, updateStream } from '../../state/streams.ts';
import { recordPending, type SeenRow } from '../../state/window.ts';
import { leftoversDue, readThroughAt } from '../../sync/leftovers.ts';
import { noteAsked, unaskedWanted } from '../../state/wanted.ts';
import { deleteLine, parseLine } from '../../threads/lines.ts';
import { wantedContext } from '../commit/contexts.ts';
import type { Batch, FetchInput, FetchResult, OwnWork } from '../contract.ts';
import { assertInTime, heartbeat, TroubleError } from '../failures.ts';
import { ownInTarget } from '../own-in-target.ts';
import type { Parts } from '../parts.ts';
import { openQuarantined } from '../quarantined.ts';
import { newBatchId, writeLines } from '../staged.ts';
import { quarantineBad } from './collect.ts';
import { currentStates } from './current.ts';
import { lineOfState } from './rows.ts';

export interface OwnWorkInput {
  readonly position: StreamPosition;
  readonly head: number;
  readonly matured: number;
}

/** Retries that were ordered, as a batch; `undefined` where there are none. */
export async function retryBatch(
  parts: Parts,
  stream: StreamKey,
  input: OwnWorkInput,
): Promise<FetchResult | undefined> {
  const { batchRowsMax } = parts.limits;
  const id = newBatchId(parts.instance, stream, input.position.epoch);
  const ready = await orderedRetries(parts.db, stream, ['clean', 'delete'], batchRowsMax);
  if (ready.length > 0) {
    const staged = await stage(parts, stream, input, {
      id,
      own: 'retry',
      lines: ready.map(lineOf(parts, stream)),
      deleted: ready.filter(({ form }) => form === 'delete').length,
    });
    await takeInHand(parts.db, stream, keysOf(ready), id);
    return { kind: 'batch', batch: staged, steps: [], clean: true };
  }
  const raw = await orderedRetries(parts.db, stream, ['raw'], batchRowsMax);
  if (raw.length === 0) return undefined;
  // The source's states of now, not those that were refused: there may be newer ones.
  const ids = new Set(raw.map(sourceIdOf(parts, stream)));
  const staged = await stageCurrent(parts, stream, input, { id, own: 'retry', ids: [...ids] });
  await takeInHand(parts.db, stream, keysOf(raw), id);
  return staged;
}

/** Resources that others wait for and no feed has shown, as the source has them now; `undefined` where there are none. */
export async function wantedBatch(
  parts: Parts,
  stream: StreamKey,
  input: OwnWorkInput,
): Promise<FetchResult | undefined> {
  // A first load brings them anyway.
  if (!input.position.loaded) return undefined;
  const wanted = await unaskedWanted(parts.db, stream, parts.limits.batchRowsMax);
  if (wanted.length === 0) return undefined;
  const id = newBatchId(parts.instance, stream, input.position.epoch);
  const ids = wanted.map(({ key, sourceId }) =>
    Buffer.from(parts.sealer.open(sourceId, wantedContext(stream.direction, key))).toString('utf8'),
  );
  const staged = await stageCurrent(parts, stream, input, { id, own: 'wanted', ids });
  await noteAsked(
    parts.db,
    stream,
    wanted.map(({ key }) => key),
    id,
  );
  return staged;
}

/** The source's present states of some ids, to go the whole way. */
async function stageCurrent(
  parts: Parts,
  stream: StreamKey,
  input: OwnWorkInput,
  { id, own, ids }: { readonly id: string; readonly own: OwnWork; readonly ids: readonly string[] },
): Promise<FetchResult> {
  const { states, bad, seen } = await currentStates(parts, stream, id, ids);
  const lines = [...states].map(([of, state]) => lineOfState(of, state));
  const deleted = [...states.values()].filter((resource) => resource === undefined).length;
  const batch = await stage(parts, stream, input, { id, own, lines, deleted, seen });
  await quarantineBad(parts, stream, bad);
  return { kind: 'batch', batch, steps: parts.steps.map((step) => step.name) };
}

const keysOf = (retries: readonly OrderedRetry[]): string[] => retries.map(({ key }) => key);

const lineOf =
  (parts: Parts, stream: StreamKey) =>
  ({ key, content }: OrderedRetry): string => {
    if (content === null) return deleteLine(idOfKey(key));
    return `${Buffer.from(openQuarantined(parts.sealer, stream.direction, { key, content })).toString('utf8')}\n`;
  };

/** The id at the source of what was refused before it was output. */
const sourceIdOf =
  (parts: Parts, stream: StreamKey) =>
  ({ key, content }: OrderedRetry): string => {
    const line = openQuarantined(parts.sealer, stream.direction, { key, content: content ?? Buffer.of() });
    const parsed = parseLine(line, 0, line.length);
    return parsed.kind === 'put' ? String(parsed.resource.id) : parsed.id;
  };

/**
 * Deletes of what an earlier epoch has left in the target, once everything that was there when the resync had read
 * through is settled; `undefined` where there is nothing to do, or not yet.
 */
export async function leftoverBatch(
  parts: Parts,
  stream: StreamKey,
  input: OwnWorkInput & Pick<FetchInput, 'leftoversConfirmed'>,
): Promise<FetchResult | undefined> {
  const { position } = input;
  if (position.loaded && position.leftoversFrom === 0) {
    await updateStream(parts.db, stream, (at) => ({ ...at, leftoversFrom: readThroughAt(at) }));
  }
  if (!leftoversDue(position)) return undefined;
  const keys = await leftovers(parts, stream, position);
  if (keys.length === 0) {
    await updateStream(parts.db, stream, (at) => ({ ...at, leftoversFrom: -1 }));
    parts.log.info('resync-finished', { ...stream, epoch: position.epoch });
    return undefined;
  }
  if (input.leftoversConfirmed !== true) await requireFew(parts, position, keys.length);
  return deletesOf(parts, stream, input, keys);
}

/** Deletes of what a reconciliation has found without an owner at the source; `undefined` where there are none. */
export async function deletionBatch(
  parts: Parts,
  stream: StreamKey,
  input: OwnWorkInput & Pick<FetchInput, 'leftoversConfirmed'>,
): Promise<FetchResult | undefined> {
  const { position } = input;
  const keys = await dueDeletions(parts.db, stream, parts.limits.batchRowsMax);
  if (keys.length === 0) return undefined;
  if (input.leftoversConfirmed !== true) {
    const { current, earlier } = await ledgerCounts(parts.db, position);
    requireShare(parts, await countDeletions(parts.db, stream), current + earlier);
  }
  return deletesOf(parts, stream, input, keys);
}

async function deletesOf(
  parts: Parts,
  stream: StreamKey,
  input: OwnWorkInput,
  keys: readonly string[],
): Promise<FetchResult> {
  const id = newBatchId(parts.instance, stream, input.position.epoch);
  const lines = keys.map((key) => deleteLine(idOfKey(key)));
  const batch = await stage(parts, stream, input, { id, own: 'leftovers', lines, deleted: lines.length });
  return { kind: 'batch', batch, steps: [], clean: true };
}

/** Up to a batch of keys: by the ledger, and by the origin tag in the target, since the ledger may have been lost. */
async function leftovers(parts: Parts, stream: StreamKey, position: StreamPosition): Promise<string[]> {
  const { batchRowsMax } = parts.limits;
  const found = new Set<string>();
  for (let after = ''; found.size < batchRowsMax;) {
    const keys = await ledgerLeftovers(parts.db, position, after, batchRowsMax);
    for (const key of await withoutOwner(parts.db, position, keys)) found.add(key);
    heartbeat({ leftovers: found.size });
    const last = keys.at(-1);
    if (last === undefined) break;
    after = last;
  }
  for await (const listed of ownInTarget(parts, stream, () => found.size >= batchRowsMax)) {
    for (const key of await withoutOwner(parts.db, position, [...listed.keys()])) found.add(key);
    heartbeat({ leftovers: found.size });
  }
  return [...found].slice(0, batchRowsMax);
}

/** A source that was emptied, or is another than it should be, must not empty the target. */
async function requireFew(parts: Parts, position: StreamPosition, foundNow: number): Promise<void> {
  const { current, earlier } = await ledgerCounts(parts.db, position);
  const left = Math.max(earlier, foundNow);
  requireShare(parts, left, left + current);
}

function requireShare({ limits }: Parts, left: number, all: number): void {
  if (left < limits.quarantineCountMin) return;
  if (left > all * limits.leftoversShareMax) throw new TroubleError('leftovers-many');
}

interface Staging {
  readonly id: string;
  readonly own: OwnWork;
  readonly lines: readonly string[];
  readonly deleted: number;
  /** Of states that were read from the source just now, to be anonymized; without it the lines are output. */
  readonly seen?: readonly SeenRow[];
}

/** Stages lines as a batch of the stream's own, at the place where it stands. */
export async function stage(
  parts: Parts,
  stream: StreamKey,
  { position, head, matured }: OwnWorkInput,
  { id, own, lines, deleted, seen }: Staging,
): Promise<Batch> {
  const form = seen === undefined ? 'clean' : 'raw';
  const stagedParts = lines.length === 0 ? 0 : await writeLines(parts.staging, id, form, lines);
  assertInTime();
  await recordPending(parts.db, stream, id, '', seen ?? []);
  const { settled, delivered } = position;
  parts.log.info('own-work-staged', { ...stream, batch: id, work: own, resources: lines.length });
  return {
    stream,
    id,
    epoch: position.epoch,
    range: { lo: delivered, hi: delivered },
    from: { settled, delivered },
    matured,
    head,
    form,
    parts: stagedParts,
    own,
    changes: lines.length,
    deleted,
    withheld: 0,
    quarantined: 0,
  };
}
