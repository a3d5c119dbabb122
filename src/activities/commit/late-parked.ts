/**
 * The leak guard at release: a parked resource is compared with the words known now. It was parked with those of then, and
 * mostly because its Patient was missing, whose words say most. What is masked is masked where it is parked.
 */
import { fixedLimits } from '../../limits.ts';
import { typeOfKey } from '../../state/ledger.ts';
import { readParked, removeParked } from '../../state/parked.ts';
import { type ParkedContent, readParkedMarks, replaceParked } from '../../state/parked-marks.ts';
import { putLine } from '../../threads/lines.ts';
import { decodeMark, encodeMark, type Mark } from '../../threads/marks.ts';
import type { StreamKey } from '../contract.ts';
import { TroubleError } from '../failures.ts';
import type { Looked } from '../guard/look.ts';
import { parkedContext } from './contexts.ts';
import { contentOf, inspectSource, isPut, markOf, quarantineLines } from './inspect.ts';
import { type Compared, lookNow } from './late-words.ts';
import type { PlanningParts } from './planner.ts';

/** A parked resource that a commit has claimed. */
export interface Claimed {
  readonly key: string;
  readonly digest: string;
  readonly bytes: number;
}

/** Compares parked resources that the commit `label` has claimed. Those that may not pass are parked no more. */
export async function compareReleased(
  parts: PlanningParts,
  direction: StreamKey['direction'],
  label: string,
  claimed: readonly Claimed[],
): Promise<Compared> {
  let masked = 0;
  const withheld: string[] = [];
  for (const lot of lotsOf(claimed)) {
    const compared = await compareLot(parts, direction, label, lot);
    masked += compared.masked;
    withheld.push(...compared.withheld);
  }
  return { masked, withheld };
}

/** Resources of one type, and no more of them than a part of a batch would hold. */
function* lotsOf(claimed: readonly Claimed[]): Generator<Claimed[]> {
  for (const ofType of Map.groupBy(claimed, ({ key }) => typeOfKey(key)).values()) {
    let lot: Claimed[] = [];
    let bytes = 0;
    for (const one of ofType) {
      lot.push(one);
      bytes += one.bytes;
      if (bytes < fixedLimits.partBytesMax) continue;
      yield lot;
      lot = [];
      bytes = 0;
    }
    if (lot.length > 0) yield lot;
  }
}

async function compareLot(
  parts: PlanningParts,
  direction: StreamKey['direction'],
  label: string,
  lot: readonly Claimed[],
): Promise<Compared> {
  const keys = lot.map(({ key }) => key);
  const encoded = await readParkedMarks(parts.db, direction, keys);
  const marks = keys.map((key) => {
    const mark = encoded.get(key) ?? undefined;
    return mark === undefined ? undefined : decodeMark(mark);
  });
  const lines = new Map<number, Uint8Array>();
  const looked = await lookNow(parts, direction, marks, async (at) => {
    const line = await parkedLine(parts, direction, keys[at] ?? '', marks[at]);
    lines.set(at, line);
    return line;
  });
  const hits = [...looked].map(([at, outcome]) => ({
    key: keys[at] ?? '',
    line: lines.get(at) ?? Buffer.of(),
    outcome,
  }));
  const refused = hits.filter(({ outcome }) => outcome.kind === 'withheld');
  await quarantineLines(
    parts,
    direction,
    label,
    refused.map(({ key, line }) => ({ key, reason: 'leak-guard', line })),
  );
  const { contents, failed } = await contentsAnew(
    parts,
    { direction, type: typeOfKey(keys[0] ?? '') },
    label,
    hits.flatMap(({ outcome }) => (outcome.kind === 'withheld' ? [] : [outcome])),
  );
  const withheld = [...refused.map(({ key }) => key), ...failed];
  if (contents.length > 0 || withheld.length > 0)
    await parts.write(async (tx) => {
      await replaceParked(tx, direction, label, contents);
      await removeParked(tx, direction, withheld);
    });
  const masked = hits.filter(({ key, outcome }) => outcome.kind === 'masked' && !failed.includes(key));
  return { masked: masked.length, withheld };
}

/** A parked resource as a put line. */
async function parkedLine(
  parts: PlanningParts,
  direction: StreamKey['direction'],
  key: string,
  mark: Mark | undefined,
): Promise<Uint8Array> {
  const sealed = (await readParked(parts.db, direction, [key])).get(key);
  // Claimed by us: gone only where this attempt was given up.
  if (sealed === undefined) throw new TroubleError('lost-race');
  const json = Buffer.from(parts.sealer.open(sealed, parkedContext(direction, key))).toString('utf8');
  return Buffer.from(putLine(json, mark === undefined ? undefined : encodeMark(mark)).trimEnd());
}

/** What was looked through goes through the output check, as everything does, and is sealed anew. */
async function contentsAnew(
  parts: PlanningParts,
  stream: StreamKey,
  label: string,
  looked: readonly Exclude<Looked, { kind: 'withheld' }>[],
): Promise<{ contents: ParkedContent[]; failed: readonly string[] }> {
  if (looked.length === 0) return { contents: [], failed: [] };
  const bytes = Buffer.concat(looked.flatMap(({ line }) => [line, Buffer.from('\n')]));
  const { items, refused } = await inspectSource(parts, stream, label, { form: '', part: 0, bytes });
  const contents = items.filter(isPut).map((item): ParkedContent => {
    const { key, digest } = item.line;
    const json = contentOf(item);
    const content = parts.sealer.seal(json, parkedContext(stream.direction, key));
    return { key, digest, bytes: json.length, content, mark: encodeMark(markOf(item) ?? []) };
  });
  return { contents, failed: refused };
}
