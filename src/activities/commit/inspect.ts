/** What of a batch may be committed: the output check's verdict on each line, and where its JSON lies. */
import pMap from 'p-map';

import { putInQuarantine, type QuarantineReason } from '../../state/quarantine.ts';
import type { InspectedLine, RefusedLine } from '../../threads/task.ts';
import type { Batch, StreamKey } from '../contract.ts';
import { heartbeat } from '../failures.ts';
import { markOfLine } from '../guard/look.ts';
import type { Mark } from '../../threads/marks.ts';
import { quarantineEntry } from '../quarantined.ts';
import { readPart } from '../staged.ts';
import type { PlanningParts } from './planner.ts';

/** A staged part of some form of the batch, whole. */
export interface Source {
  readonly form: string;
  readonly part: number;
  readonly bytes: Uint8Array;
}

export type PutLine = Extract<InspectedLine, { kind: 'put' }>;

/** One state of the batch, and where it lies. */
export interface Item<Line extends InspectedLine = InspectedLine> {
  readonly line: Line;
  readonly source: Source;
  /** The leak guard's mark, where it is another than the line's by now. */
  readonly mark?: Mark;
}

export type PutItem = Item<PutLine>;

export const isPut = (item: Item): item is PutItem => item.line.kind === 'put';

/** The JSON of a put. */
export const contentOf = ({ source, line }: PutItem): Uint8Array => source.bytes.subarray(line.start, line.end);

/** The whole line of a put, with its mark. */
export const lineOf = ({ source, line }: PutItem): Uint8Array => source.bytes.subarray(line.line.start, line.line.end);

/** The leak guard's mark of a put; `undefined` where it has none. */
export const markOf = (item: PutItem): Mark | undefined => item.mark ?? markOfLine(lineOf(item));

export interface Inspected {
  readonly items: readonly Item[];
  /** Keys of those that may not be committed. They are in quarantine. */
  readonly refused: readonly string[];
}

/** Inspects a batch's present form. */
export async function inspectBatch(parts: PlanningParts, batch: Batch): Promise<Inspected> {
  const perPart = await pMap(
    Array.from({ length: batch.parts }, (_, part) => part),
    async (part) => {
      const bytes = await readPart(parts.staging, batch.id, batch.form, part);
      const inspected = await inspectSource(parts, batch.stream, batch.id, { form: batch.form, part, bytes });
      heartbeat({ inspected: part });
      return inspected;
    },
    { concurrency: parts.limits.workerThreadsMax },
  );
  return {
    items: perPart.flatMap(({ items }) => items),
    refused: perPart.flatMap(({ refused }) => refused),
  };
}

/** Inspects one part; what is refused goes into quarantine under the commit's label. */
export async function inspectSource(
  parts: PlanningParts,
  { direction, type }: StreamKey,
  label: string,
  source: Source,
): Promise<Inspected> {
  const ruleset = parts.rulesets[direction];
  const { items, refused } = await parts.pool.inspect({ ruleset, type, lines: source.bytes });
  await quarantineLines(parts, direction, label, refused);
  return { items: items.map((line) => ({ line, source })), refused: refused.map(({ key }) => key) };
}

export async function quarantineLines(
  parts: PlanningParts,
  direction: StreamKey['direction'],
  label: string,
  refused: readonly RefusedLine[],
): Promise<void> {
  if (refused.length === 0) return;
  const entries = refused.map(({ key, reason, line }) =>
    quarantineEntry(parts.sealer, direction, {
      key,
      reason: reason as QuarantineReason,
      batch: label,
      form: reason === 'resource-too-large' ? 'none' : 'clean',
      content: line,
    }),
  );
  await parts.write((tx) => putInQuarantine(tx, direction, entries, parts.now()));
}
