/**
 * Collects one batch: reads sub-ranges of versions upwards until there is enough, drops what was seen, decides each
 * id's newest state, and stages it.
 */
import type { Resource } from '../../fhir/resource.ts';
import { fixedLimits } from '../../limits.ts';
import { putInQuarantine } from '../../state/quarantine.ts';
import type { StreamKey } from '../../state/streams.ts';
import { lookUpSeen, recordPending, type SeenRow } from '../../state/window.ts';
import { type KnownState, type NetEffect, netEffect } from '../../sync/net-effect.ts';
import { nextWidth, type VersionRange } from '../../sync/window.ts';
import { deleteLine, putLine } from '../../threads/lines.ts';
import { assertInTime, cancelSignal, onSide, TroubleError } from '../failures.ts';
import { type Parts, settleMsOf, sourceName } from '../parts.ts';
import { quarantineContext } from '../commit/contexts.ts';
import { writeLines } from '../staged.ts';
import { PageReader, type RangeRows } from './pages.ts';
import { badKey, type BadRow, examineRow, idKeyOf, rowKeyOf, type SoundRow } from './rows.ts';

export interface CollectInput {
  readonly id: string;
  readonly range: VersionRange;
  /** The batch whose pending rows count as seen, or empty. */
  readonly inFlight: string;
  /** The target may hold newer states than these rows: take the source's current ones (a resync's first load). */
  readonly currentStates: boolean;
}

export interface Collected {
  /** How far up the range was read. */
  readonly hi: number;
  readonly rows: number;
  /** New rows. */
  readonly changes: number;
  readonly deleted: number;
  readonly quarantined: number;
  readonly parts: number;
  readonly requests: number;
}

/** The width that worked last, by stream: density changes slowly. */
const widths = new WeakMap<Parts, Map<string, number>>();

export async function collectChanges(parts: Parts, stream: StreamKey, input: CollectInput): Promise<Collected> {
  const reader = new PageReader(parts.servers[sourceName(stream.direction)], stream.type, parts.limits.pageRowsMax);
  const fresh: Fresh = { sound: [], bad: [], seen: [], known: new Map() };
  const { hi, rows } = await readUpwards(parts, stream, input, reader, fresh);
  const states = await newestStates(parts, stream, input, fresh);
  await quarantineBad(parts, stream, fresh.bad);
  const lines = states.map(([id, resource]) =>
    resource === undefined ? deleteLine(id) : putLine(JSON.stringify(resource)),
  );
  const stagedParts = lines.length === 0 ? 0 : await writeLines(parts.staging, input.id, 'raw', lines);
  // An attempt that was given up must not touch what the live one has noted.
  assertInTime();
  await recordPending(parts.db, stream, input.id, input.inFlight, fresh.seen);
  return {
    hi,
    rows,
    changes: fresh.sound.length + fresh.bad.length,
    deleted: states.filter(([, resource]) => resource === undefined).length,
    quarantined: fresh.bad.length,
    parts: stagedParts,
    requests: reader.requests,
  };
}

/** New rows of the batch so far. */
interface Fresh {
  readonly sound: SoundRow[];
  readonly bad: BadRow[];
  readonly seen: SeenRow[];
  /** What was delivered before, by id. */
  readonly known: Map<string, KnownState>;
}

async function readUpwards(
  parts: Parts,
  stream: StreamKey,
  { range, inFlight }: CollectInput,
  reader: PageReader,
  fresh: Fresh,
): Promise<{ hi: number; rows: number }> {
  const { batchRowsMax, batchBytesMax } = parts.limits;
  const widthKey = `${stream.direction}/${stream.type}`;
  const known = widths.get(parts) ?? new Map<string, number>();
  widths.set(parts, known);
  let width = known.get(widthKey) ?? batchRowsMax;
  let lo = range.lo;
  let rows = 0;
  let bytes = 0;
  while (lo < range.hi && fresh.sound.length < batchRowsMax / 2 && bytes < batchBytesMax / 2) {
    const hi = Math.min(range.hi, lo + width);
    const alone = hi - lo === 1;
    const rowsMax = alone ? fixedLimits.singleVersionRowsMax : batchRowsMax - fresh.sound.length;
    const read = await reader.range({ lo, hi }, { rowsMax, bytesMax: alone ? Infinity : batchBytesMax - bytes });
    if (read === 'too-many') {
      if (alone) throw new TroubleError('too-many-rows');
      width = nextWidth(hi - lo, 'too-many', batchRowsMax);
      continue;
    }
    const soundBefore = fresh.sound.length;
    await takeNew(parts, stream, { read, hi, inFlight }, fresh);
    rows += read.rows.length;
    // What was seen before is dropped, and must not use up the room of what is new.
    bytes += (read.bytes * (fresh.sound.length - soundBefore)) / Math.max(1, read.rows.length);
    width = nextWidth(Math.max(width, hi - lo), read.rows.length, batchRowsMax);
    lo = hi;
  }
  known.set(widthKey, width);
  return { hi: lo, rows };
}

/** Keeps the rows that the seen set does not know. */
async function takeNew(
  parts: Parts,
  stream: StreamKey,
  { read, hi, inFlight }: { read: RangeRows; hi: number; inFlight: string },
  fresh: Fresh,
): Promise<void> {
  const { sealer, limits } = parts;
  const examined = read.rows.map((row) => examineRow(row, stream.type, limits.resourceBytesMax, sealer));
  for (const row of read.oversized) {
    // A delete needs its id alone, however large the last state was that the server would send along.
    if (row.deleted) {
      examined.push(examineRow(row, stream.type, limits.resourceBytesMax, sealer));
      continue;
    }
    examined.push({
      kind: 'bad',
      key: badKey(stream.type, row.resource, sealer),
      reason: 'resource-too-large',
      resource: null,
    });
  }
  const keyed = examined.map((row) => ({ row, ...seenKeys(parts, stream.type, row, hi) }));
  const { seenRows, known } = await lookUpSeen(parts.db, stream, keyed, inFlight);
  const listed = new Set<string>();
  for (const { row, ...key } of keyed) {
    // Without a version a row cannot be told from another: it is new each time, until it is settled.
    const countable = row.kind === 'bad' || row.seenAs !== undefined;
    if (countable && (seenRows.has(key.rowKey) || listed.has(key.rowKey))) continue;
    listed.add(key.rowKey);
    if (countable) fresh.seen.push(key);
    if (row.kind === 'bad') fresh.bad.push(row);
    else {
      fresh.sound.push(row);
      const state = known.get(key.idKey);
      if (state !== undefined) fresh.known.set(row.id, state);
    }
  }
}

function seenKeys(parts: Parts, type: string, row: SoundRow | BadRow, hi: number): SeenRow {
  if (row.kind === 'bad') return { rowKey: row.key, idKey: row.key, version: hi, atMs: 0 };
  const { version, text } = row.seenAs ?? { version: hi, text: '' };
  return {
    rowKey: rowKeyOf(parts.sealer, type, row.id, text),
    idKey: idKeyOf(parts.sealer, type, row.id),
    version,
    atMs: row.lastUpdatedMs ?? 0,
  };
}

/** The newest state of each id: its row's, or the source's current one where rows cannot be ordered. */
async function newestStates(
  parts: Parts,
  stream: StreamKey,
  { id: batch, currentStates }: CollectInput,
  fresh: Fresh,
): Promise<[string, Resource | undefined][]> {
  const { sealer } = parts;
  const rowsDecide = netEffect(fresh.sound, (id) => fresh.known.get(id), settleMsOf(parts.limits));
  const effects = currentStates ? rowsDecide.map(({ id }): NetEffect => ({ kind: 'read-current', id })) : rowsDecide;
  const unsure = effects.filter((effect) => effect.kind === 'read-current').map((effect) => effect.id);
  const source = parts.servers[sourceName(stream.direction)];
  const current =
    unsure.length === 0
      ? new Map<string, Resource | null>()
      : await onSide('source', () => source.current(stream.type, unsure, cancelSignal()));
  const states: [string, Resource | undefined][] = [];
  for (const effect of effects) {
    if (effect.kind === 'take') {
      states.push([effect.id, fresh.sound[effect.row]?.resource]);
      continue;
    }
    const resource = current.get(effect.id) ?? undefined;
    const examined = resource === undefined ? undefined : examineCurrent(parts, stream, resource);
    if (examined?.kind === 'bad') {
      fresh.bad.push(examined);
      continue;
    }
    states.push([effect.id, resource]);
    // The row that brings this very version later is seen already. A state without a version (a delete, above all) is
    // known all the same: a row that comes later may be of a time before it.
    if (examined?.seenAs !== undefined) fresh.seen.push(seenKeys(parts, stream.type, examined, 0));
    else {
      const rowKey = sealer.hash('read', stream.type, effect.id, batch);
      fresh.seen.push({ rowKey, idKey: idKeyOf(sealer, stream.type, effect.id), version: 0, atMs: parts.now() });
    }
  }
  return states;
}

const examineCurrent = (parts: Parts, stream: StreamKey, resource: Resource): SoundRow | BadRow =>
  examineRow(
    { deleted: false, resource, pageBytes: Infinity },
    stream.type,
    parts.limits.resourceBytesMax,
    parts.sealer,
  );

async function quarantineBad(parts: Parts, stream: StreamKey, bad: readonly BadRow[]): Promise<void> {
  if (bad.length === 0) return;
  const entries = bad.map((row) => ({
    key: row.key,
    reason: row.reason,
    status: 0,
    batch: '',
    content:
      row.reason === 'resource-too-large'
        ? null
        : parts.sealer.seal(Buffer.from(JSON.stringify(row.resource)), quarantineContext(stream.direction, row.key)),
  }));
  await putInQuarantine(parts.db, stream.direction, entries, parts.now());
}
