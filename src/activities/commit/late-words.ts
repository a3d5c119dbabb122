/**
 * The leak guard's last comparison: what is about to be committed with the words that are known now. Streams run side by
 * side, so a patient's words may have come after the batch was anonymized, or while a resource was parked.
 *
 * It comes after references are resolved: whatever is ready then has its Patient in the hub or in the same commit, and
 * that Patient's words were durable before. What is committed is noted first: words that come later are counted as late.
 */
import { randomBytes } from 'node:crypto';

import { noteOutput } from '../../state/guard-patients.ts';
import type { Mark } from '../../threads/marks.ts';
import type { RefusedLine } from '../../threads/task.ts';
import type { Batch, StreamKey } from '../contract.ts';
import { TroubleError } from '../failures.ts';
import { hitsAmong, patientsOf } from '../guard/hits.ts';
import { lookThrough, type Looked, type SuspectLine } from '../guard/look.ts';
import { writePart } from '../staged.ts';
import { type Inspected, inspectSource, type Item, lineOf, markOf, type PutItem, quarantineLines } from './inspect.ts';
import type { PlanningParts } from './planner.ts';

/** What a comparison found. */
export interface Compared {
  /** Outputs that were masked. */
  readonly masked: number;
  /** Keys of those that may not pass. They are in quarantine. */
  readonly withheld: readonly string[];
}

const lineEnd = Buffer.from('\n');

/** Notes output of these marks' patients, and looks through what meets words known now. */
export async function lookNow(
  parts: PlanningParts,
  direction: StreamKey['direction'],
  marks: readonly (Mark | undefined)[],
  lineAt: (at: number) => Promise<Uint8Array>,
): Promise<Map<number, Looked>> {
  const ruleset = parts.rulesets[direction];
  const hashes = { keyVersion: ruleset.hashKeyVersion, nowMs: parts.now() };
  await parts.write((tx) => noteOutput(tx, hashes, patientsOf(marks)));
  const hits = [...(await hitsAmong(parts.db, marks))];
  const suspects: SuspectLine[] = [];
  for (const [at, hit] of hits) suspects.push({ line: await lineAt(at), mark: marks[at], hit });
  const looked = await lookThrough(parts, ruleset, suspects);
  return new Map(hits.map(([at], index) => [at, looked[index] ?? { kind: 'withheld' }]));
}

/**
 * Compares what is ready of a batch. Masked outputs are staged beside the batch's form, under a name of this attempt's own,
 * and take the place of theirs among `items`.
 */
export async function compareReady(
  parts: PlanningParts,
  batch: Pick<Batch, 'id' | 'stream'>,
  items: readonly Item[],
  ready: readonly PutItem[],
): Promise<Compared & { readonly items: readonly Item[] }> {
  const { direction } = batch.stream;
  const marks = ready.map(markOf);
  const lineAt = async (at: number): Promise<Uint8Array> => lineOf(itemAt(ready, at));
  const looked = await lookNow(parts, direction, marks, lineAt);
  if (looked.size === 0) return { items, masked: 0, withheld: [] };
  /** What takes an item's place where it lies: itself with a new mark, or nothing. */
  const places = new Map<Item, Item[]>();
  const lines: Uint8Array[] = [];
  const refused: RefusedLine[] = [];
  for (const [at, outcome] of looked) {
    const item = itemAt(ready, at);
    places.set(item, outcome.kind === 'same' ? [{ ...item, mark: outcome.mark }] : []);
    if (outcome.kind === 'masked') lines.push(outcome.line, lineEnd);
    else if (outcome.kind === 'withheld')
      refused.push({ key: item.line.key, reason: 'leak-guard', line: lineOf(item) });
  }
  await quarantineLines(parts, direction, batch.id, refused);
  const anew = await stageAnew(parts, batch, Buffer.concat(lines));
  return {
    items: [...items.flatMap((item) => places.get(item) ?? [item]), ...anew.items],
    masked: anew.items.length,
    withheld: [...refused.map(({ key }) => key), ...anew.refused],
  };
}

function itemAt(items: readonly PutItem[], at: number): PutItem {
  const item = items[at];
  if (item === undefined) throw new TroubleError('unexpected');
  return item;
}

/** Stages masked lines and has them checked: nothing comes after the output check. */
async function stageAnew(
  parts: PlanningParts,
  { id, stream }: Pick<Batch, 'id' | 'stream'>,
  bytes: Uint8Array,
): Promise<Inspected> {
  if (bytes.length === 0) return { items: [], refused: [] };
  const form = `late-${randomBytes(4).toString('hex')}`;
  await writePart(parts.staging, id, form, 0, bytes);
  return inspectSource(parts, stream, id, { form, part: 0, bytes });
}
