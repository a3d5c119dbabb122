/**
 * The plan of a commit: what is written, in which transactions, and where the stream stands afterwards. Made once,
 * staged beside the batch, followed by every attempt.
 *
 * References are resolved first and words compared then: what is compared is what goes, and the words of whoever it refers
 * to are known by then. Where the leak guard changes something, it is resolved again.
 */
import type { Database } from '../../state/database.ts';
import { type LedgerEntry, readLedger } from '../../state/ledger.ts';
import type { ParkCandidate } from '../../state/parked.ts';
import { type Resolution, type ResolveInput, resolveReferences } from '../../state/resolve-references.ts';
import { noCounts, type StreamKey, type StreamPosition } from '../../state/streams.ts';
import { commitLabel } from '../../sync/commit-label.ts';
import { advance } from '../../sync/window.ts';
import { encodeMark } from '../../threads/marks.ts';
import type { InspectedLine } from '../../threads/task.ts';
import type { Batch } from '../contract.ts';
import { TroubleError } from '../failures.ts';
import { breakerCheck } from './breaker.ts';
import { parkedContext } from './contexts.ts';
import { contentOf, inspectBatch, isPut, type Item, markOf, type PutItem } from './inspect.ts';
import { compareReleased } from './late-parked.ts';
import { type Compared, compareReady } from './late-words.ts';
import { finishPlan, type MadePlan, type PlannedWrite } from './planned.ts';
import type { PlanningParts } from './planner.ts';
import { noteWanted } from './wanted.ts';

/** Plans a batch's own commit. */
export async function planBatch(parts: PlanningParts, batch: Batch, position: StreamPosition): Promise<MadePlan> {
  const inspected = await inspectBatch(parts, batch);
  const refused = [...inspected.refused];
  const guarded = { masked: 0, withheld: 0 };
  let items = inspected.items;
  for (;;) {
    // What is tried again was counted when it was refused first.
    if (batch.own === undefined) breakerCheck(parts.limits, batch.quarantined + refused.length, batch.changes);
    const { draft, resolution } = await draftAndResolve(parts, batch, position, { items, refused });
    const ready = draft.puts.filter(({ line }) => resolution.ready.has(line.key));
    // Whatever has changed goes round again: something else may be ready now.
    const compared = await compareAll(parts, batch, items, ready, resolution.released);
    guarded.masked += compared.masked;
    guarded.withheld += compared.withheld.length;
    items = compared.items;
    refused.push(...compared.withheld);
    if (compared.masked > 0 || compared.withheld.length > 0) continue;
    await noteWanted(parts, batch, needsOf(draft.puts, resolution));
    return finishPlan(parts, {
      ...batch,
      label: batch.id,
      batch: batch.id,
      position,
      moved: advance(position, batch.range, batch.matured),
      writes: [
        ...ready.map((item) => writeOf(batch, item, draft.ledger)),
        ...(await releasedWrites(parts, batch.stream, resolution.released)),
        ...draft.deletes.map((key): PlannedWrite => ({ key, method: 'DELETE', digest: '', needs: [] })),
      ],
      bytesOfReleased: new Map(resolution.released.map(({ key, bytes }) => [key, bytes])),
      counts: {
        ...noCounts,
        changes: batch.own === undefined ? batch.changes : 0,
        unchanged: draft.unchangedKeys.length,
        withheld: batch.withheld,
      },
      unchangedKeys: draft.unchangedKeys,
      guarded,
    });
  }
}

/** Plans the release of parked resources whose targets have all arrived; `undefined` where there are none. */
export async function planRelease(
  parts: PlanningParts,
  batch: Batch,
  round: number,
  position: StreamPosition,
): Promise<MadePlan | undefined> {
  const label = commitLabel(batch.id, round);
  const guarded = { masked: 0, withheld: 0 };
  for (;;) {
    const nothing = { candidates: [], superseded: [], outdates: [] };
    const { released } = required(await parts.write((tx) => resolve(tx, parts, batch.stream, { label, ...nothing })));
    if (released.length === 0) return undefined;
    const compared = await compareReleasedNow(parts, batch.stream, label, released);
    guarded.masked += compared.masked;
    guarded.withheld += compared.withheld.length;
    if (compared.masked > 0 || compared.withheld.length > 0) continue;
    return finishPlan(parts, {
      ...batch,
      label,
      batch: '',
      position,
      moved: { settled: position.settled, delivered: position.delivered },
      writes: await releasedWrites(parts, batch.stream, released),
      bytesOfReleased: new Map(released.map(({ key, bytes }) => [key, bytes])),
      counts: noCounts,
      unchangedKeys: [],
      guarded,
    });
  }
}

/** What the resources need that were parked. */
const needsOf = (puts: readonly PutItem[], { ready }: Resolution): string[] =>
  puts.filter(({ line }) => !ready.has(line.key)).flatMap(({ line }) => line.needs);

type Released = Resolution['released'];

/** The leak guard's comparison of what is ready and of what is released with it; without a guard nothing changes. */
async function compareAll(
  parts: PlanningParts,
  batch: Batch,
  items: readonly Item[],
  ready: readonly PutItem[],
  released: Released,
): Promise<Compared & { readonly items: readonly Item[] }> {
  if (!parts.rulesets[batch.stream.direction].guards) return { items, masked: 0, withheld: [] };
  const own = await compareReady(parts, batch, items, ready);
  const parked = await compareReleasedNow(parts, batch.stream, batch.id, released);
  return {
    items: own.items,
    masked: own.masked + parked.masked,
    withheld: [...own.withheld, ...parked.withheld],
  };
}

async function compareReleasedNow(
  parts: PlanningParts,
  { direction }: StreamKey,
  label: string,
  released: Released,
): Promise<Compared> {
  if (!parts.rulesets[direction].guards) return { masked: 0, withheld: [] };
  return compareReleased(parts, direction, label, released);
}

/**
 * In one transaction: another stream may be about to note that it has brought a parked state of one of these. What is
 * compared with the ledger before that and resolved after it would be dropped as unchanged, or written once more.
 */
async function draftAndResolve(
  parts: PlanningParts,
  batch: Batch,
  position: StreamPosition,
  { items, refused }: { readonly items: readonly Item[]; readonly refused: readonly string[] },
): Promise<{ draft: Draft; resolution: Resolution }> {
  const { stream } = batch;
  const { draft, resolution } = await parts.write(async (tx) => {
    const draft = await draftOf(tx, stream, position, items);
    const resolution = await resolve(tx, parts, stream, {
      label: batch.id,
      candidates: draft.puts.map((item) => candidateOf(parts, stream, item)),
      superseded: [...draft.unchangedKeys, ...draft.deletes, ...refused],
      // Of what the feed brings, older refused states are history; what is tried again is one of those itself.
      outdates:
        batch.own === undefined
          ? [...draft.puts.map(({ line }) => line.key), ...draft.unchangedKeys, ...draft.deletes]
          : [],
    });
    return { draft, resolution };
  });
  return { draft, resolution: required(resolution) };
}

interface Draft {
  readonly puts: readonly PutItem[];
  readonly deletes: readonly string[];
  readonly unchangedKeys: readonly string[];
  /** What was known of these items. */
  readonly ledger: Ledger;
}

type Ledger = ReadonlyMap<string, LedgerEntry>;

/** What of the items changes anything at the target. */
async function draftOf(
  tx: Database,
  stream: StreamKey,
  position: StreamPosition,
  items: readonly Item[],
): Promise<Draft> {
  const keys = items.map(({ line }) => line.key);
  const ledger = await readLedger(tx, stream.direction, keys);
  const isUnchanged = ({ line }: Item): boolean => equalsLedger(line, ledger.get(line.key), position.epoch);
  const changed = items.filter((item) => !isUnchanged(item));
  return {
    puts: changed.filter(isPut),
    deletes: changed.filter((item) => !isPut(item)).map(({ line }) => line.key),
    unchangedKeys: items.filter(isUnchanged).map(({ line }) => line.key),
    ledger,
  };
}

async function releasedWrites(
  parts: PlanningParts,
  { direction }: StreamKey,
  released: Released,
): Promise<PlannedWrite[]> {
  const ledger = await readLedger(
    parts.db,
    direction,
    released.map(({ key }) => key),
  );
  return released.map(({ key, digest, needs }) => ({ key, method: 'PUT', digest, needs, ...versionOf(ledger, key) }));
}

/** The version that stands in the target, by what this site wrote there last. */
function versionOf(ledger: Ledger, key: string): Pick<PlannedWrite, 'version'> {
  const { digest = '', version = '' } = ledger.get(key) ?? {};
  return digest === '' || version === '' ? {} : { version };
}

function writeOf(batch: Batch, { line, source }: PutItem, ledger: Ledger): PlannedWrite {
  const { key, digest, needs, start, end } = line;
  const form = source.form === batch.form ? {} : { form: source.form };
  const at = { ...form, part: source.part, start, end, line: line.line };
  return { key, method: 'PUT', digest, needs, ...versionOf(ledger, key), at };
}

/** Whether the target has this state already, by what this site wrote in this epoch. */
function equalsLedger(line: InspectedLine, entry: LedgerEntry | undefined, epoch: number): boolean {
  if (entry?.epoch !== epoch) return false;
  return line.kind === 'delete' ? entry.digest === '' : entry.digest === line.digest;
}

function candidateOf(parts: PlanningParts, stream: StreamKey, item: PutItem): ParkCandidate {
  const { key, digest, needs, start, end } = item.line;
  return {
    key,
    digest,
    needs,
    bytes: end - start,
    sealedContent: () => parts.sealer.seal(contentOf(item), parkedContext(stream.direction, key)),
    mark: () => {
      const mark = markOf(item);
      return mark === undefined ? undefined : encodeMark(mark);
    },
  };
}

function resolve(
  tx: Database,
  parts: PlanningParts,
  stream: StreamKey,
  input: Pick<ResolveInput, 'candidates' | 'superseded' | 'outdates'> & { readonly label: string },
): ReturnType<typeof resolveReferences> {
  return resolveReferences(tx, {
    direction: stream.direction,
    batch: input.label,
    candidates: input.candidates,
    superseded: input.superseded,
    outdates: input.outdates,
    nowMs: parts.now(),
    parkedCountMax: parts.limits.parkedCountMax,
  });
}

/** After the transaction: what it has given back stays so, or two streams would hold what the other waits for. */
function required(resolution: Resolution | 'claimed' | 'full'): Resolution {
  if (resolution === 'claimed') throw new TroubleError('parked-claimed');
  if (resolution === 'full') throw new TroubleError('parked-full');
  return resolution;
}
