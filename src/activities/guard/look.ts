/** Sends outputs that may hold a word of their patient through the leak guard, in worker threads, a bounded lot at a time. */
import { mergedLists } from '../../crypto/hash-list.ts';
import { fixedLimits } from '../../limits.ts';
import { wordCounts } from '../../state/guard-patients.ts';
import { wordsOf } from '../../state/guard-words.ts';
import { lineRanges, markIn, putFrame } from '../../threads/lines.ts';
import { decodeMark, type Mark } from '../../threads/marks.ts';
import type { Ruleset } from '../../threads/task.ts';
import { heartbeat } from '../failures.ts';
import type { Parts } from '../parts.ts';
import { patientsOf } from './hits.ts';
import type { Hit } from './hits.ts';

/** An output to be looked through: its put line, without line end. */
export interface SuspectLine {
  readonly line: Uint8Array;
  readonly mark: Mark | undefined;
  readonly hit: Hit;
}

/** What became of it; `line` has no line end either. */
export type Looked =
  { readonly kind: 'same' | 'masked'; readonly line: Uint8Array; readonly mark: Mark } | { readonly kind: 'withheld' };

/** Looks through lines; the results are in their order. */
export async function lookThrough(
  parts: Parts,
  ruleset: Ruleset,
  suspects: readonly SuspectLine[],
): Promise<readonly Looked[]> {
  const looked: Looked[] = suspects.map(() => ({ kind: 'withheld' }));
  const byPatient = new Map<string, number[]>();
  for (const [at, { mark, hit }] of suspects.entries()) {
    const first = mark?.[0];
    // What cannot be told is withheld.
    if (first === undefined || hit === 'unknowable') continue;
    const others = byPatient.get(first.patient);
    if (others === undefined) byPatient.set(first.patient, [at]);
    else others.push(at);
  }
  const places = [...byPatient.values()].flat();
  const sizes = await wordCounts(parts.db, patientsOf(places.map((at) => suspects[at]?.mark)));
  for (const lot of lotsOf(places, suspects, sizes)) {
    await lookAtLot(parts, ruleset, lot, suspects, looked);
    heartbeat({ linesLookedThrough: lot.length });
  }
  return looked;
}

/**
 * Lines that a thread gets at once, with the words of all of their patients. A line whose patients have more words than are
 * read together is in none: it stays withheld.
 */
function* lotsOf(
  places: readonly number[],
  suspects: readonly SuspectLine[],
  sizes: ReadonlyMap<string, number>,
): Generator<number[]> {
  const { partBytesMax, guardReadWordsMax } = fixedLimits;
  const sum = (patients: readonly string[]): number =>
    patients.reduce((words, patient) => words + (sizes.get(patient) ?? 0), 0);
  let lot = emptyLot();
  for (const at of places) {
    const own = patientsOf([suspects[at]?.mark]);
    if (sum(own) > guardReadWordsMax) continue;
    const { patients } = lot;
    if (lot.bytes >= partBytesMax || lot.words + sum(own.filter((one) => !patients.has(one))) > guardReadWordsMax) {
      yield lot.places;
      lot = emptyLot();
    }
    lot.places.push(at);
    lot.bytes += suspects[at]?.line.length ?? 0;
    lot.words += sum(own.filter((one) => !lot.patients.has(one)));
    for (const patient of own) lot.patients.add(patient);
  }
  if (lot.places.length > 0) yield lot.places;
}

const emptyLot = (): { places: number[]; bytes: number; words: number; patients: Set<string> } => ({
  places: [],
  bytes: 0,
  words: 0,
  patients: new Set(),
});

const lineEnd = Buffer.from('\n');

async function lookAtLot(
  parts: Parts,
  ruleset: Ruleset,
  lot: readonly number[],
  suspects: readonly SuspectLine[],
  looked: Looked[],
): Promise<void> {
  const chosen = lot.flatMap((at) => suspects[at] ?? []);
  const patients = chosen.flatMap(({ mark }) => (mark ?? []).map(({ patient }) => patient));
  const known = await wordsOf(parts.db, [...new Set(patients)]);
  const words = new Map([...known].map(([patient, { runs }]) => [patient, mergedLists(runs)]));
  const lines = Buffer.concat(chosen.flatMap(({ line }) => [line, lineEnd]));
  const outcome = await parts.pool.guard({ ruleset, lines, words });
  const ranges = lineRanges(outcome.lines);
  for (const [index, kind] of outcome.outcomes.entries()) {
    const at = lot[index];
    if (at === undefined || kind === 'withheld') continue;
    const range = ranges.next();
    if (range.done === true) throw new RangeError('guard: a line is missing');
    const line = outcome.lines.subarray(range.value.start, range.value.end);
    looked[at] = { kind, line, mark: markOfLine(line) ?? [] };
  }
}

/** The mark of a put line, `undefined` where it has none; a delete holds nothing that could be marked. */
export function markOfLine(line: Uint8Array): Mark | undefined {
  const frame = putFrame(line, 0, line.length);
  if (frame === undefined) return [];
  const encoded = markIn(line, frame);
  return encoded === undefined ? undefined : decodeMark(encoded);
}
