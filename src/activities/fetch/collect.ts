/**
 * Collects one batch: reads sub-ranges of versions upwards until there is enough, drops what was seen, decides each
 * id's newest state, and stages it.
 */
import { fixedLimits } from '../../limits.ts';
import { putInQuarantine } from '../../state/quarantine.ts';
import type { StreamKey } from '../../state/streams.ts';
import { lookUpSeen, recordPending, type SeenRow } from '../../state/window.ts';
import { type KnownState, type NetEffect, netEffect } from '../../sync/net-effect.ts';
import { nextWidth, type VersionRange } from '../../sync/window.ts';
import { assertInTime, TroubleError } from '../failures.ts';
import { type Parts, settleMsOf, sourceName } from '../parts.ts';
import { quarantineEntry } from '../quarantined.ts';
import { writeLines } from '../staged.ts';
import { PageReader, type RangeRows } from './pages.ts';
import { currentStates } from './current.ts';
import {
  type BadRow,
  examineRow,
  lineOfState,
  oversizedRow,
  seenKeys,
  type SoundRow,
  type SourceState,
} from './rows.ts';

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
  const lines = states.map(([id, state]) => lineOfState(id, state));
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
  for (const row of read.oversized) examined.push(oversizedRow(row, stream.type, sealer));
  const keyed = examined.map((row) => ({ row, ...seenKeys(parts.sealer, stream.type, row, hi) }));
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

/** The newest state of each id: its row's, or the source's current one where rows cannot be ordered. */
async function newestStates(
  parts: Parts,
  stream: StreamKey,
  { id: batch, currentStates: allCurrent }: CollectInput,
  fresh: Fresh,
): Promise<[string, SourceState][]> {
  const rowsDecide = netEffect(fresh.sound, (id) => fresh.known.get(id), settleMsOf(parts.limits));
  const effects = allCurrent ? rowsDecide.map(({ id }): NetEffect => ({ kind: 'read-current', id })) : rowsDecide;
  const unsure = effects.filter((effect) => effect.kind === 'read-current').map((effect) => effect.id);
  const current = await currentStates(parts, stream, batch, unsure);
  fresh.bad.push(...current.bad);
  fresh.seen.push(...current.seen);
  return effects.flatMap((effect): [string, SourceState][] => {
    if (effect.kind === 'take') return [[effect.id, fresh.sound[effect.row]?.resource]];
    return current.states.has(effect.id) ? [[effect.id, current.states.get(effect.id)]] : [];
  });
}

export async function quarantineBad(parts: Parts, stream: StreamKey, bad: readonly BadRow[]): Promise<void> {
  if (bad.length === 0) return;
  const entries = bad.map(({ key, reason, resource }) =>
    quarantineEntry(parts.sealer, stream.direction, {
      key,
      reason,
      form: 'row',
      content: Buffer.from(JSON.stringify(resource)),
    }),
  );
  await putInQuarantine(parts.db, stream.direction, entries, parts.now());
}
