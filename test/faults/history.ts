/** Judges a target's history: never backwards, no effect twice, a cursor that only goes on. */
import type { Emulator, Version } from '../../src/emulator/emulator.ts';
import type { Resource } from '../../src/fhir/resource.ts';
import { canonicalText, type Expected } from './truth.ts';

export interface HistoryInput {
  readonly target: Emulator;
  /** Whether a version of the target was written by others. */
  readonly isForeign: (type: string, txid: number) => boolean;
  /** How often a type's stream began anew. */
  readonly resyncs: (type: string) => number;
}

/** Faults in what a target saw of one resource, whose states at the source are given in the order of their commits. */
export function historyFaults(
  { target, isForeign, resyncs }: HistoryInput,
  type: string,
  id: string,
  states: readonly Expected[],
): string[] {
  const found: string[] = [];
  let at = 0;
  let before: string | undefined;
  let repeats = 0;
  for (const version of target.store.versions(type, id)) {
    const text = textOf(version);
    if (isForeign(type, version.txid)) {
      before = undefined;
      continue;
    }
    if (text === before && text !== '') repeats += 1;
    before = text;
    const next = states.findIndex((state, index) => index >= at && fits(state, text));
    if (next >= 0) at = next;
    else if (states.some((state) => fits(state, text))) found.push('an older state was written over a newer one');
    else found.push('something was written that the source never had');
  }
  // A resync writes what is there once more.
  if (repeats > resyncs(type)) found.push(`${String(repeats)} times written again without a change`);
  return found;
}

const textOf = (version: Version): string =>
  version.deleted ? '' : canonicalText(JSON.parse(version.json) as Resource);

/** A withheld state may delete what an older policy let through; a deleted one is empty. */
const fits = (state: Expected, text: string): boolean =>
  text === '' ? state.kind !== 'resource' : state.kind === 'resource' && state.text === text;

interface Cursor {
  readonly kind: string;
  readonly epoch: number;
  readonly sequence: number;
  readonly version: number;
  readonly settled: number;
  readonly batch: string;
}

/** Faults in the history of a stream's cursor. */
export function cursorFaults(target: Emulator, cursorId: string): string[] {
  const cursors = target.store
    .versions('ChangesInfo', cursorId)
    .map((version) => JSON.parse(version.json) as Cursor)
    .filter(({ kind }) => kind === 'cursor');
  const found: string[] = [];
  cursors.forEach((now, index) => {
    const before = cursors[index - 1];
    if (before === undefined) return;
    const fault = moveFault(before, now);
    if (fault !== undefined) found.push(`${cursorId}: ${fault}`);
  });
  return found;
}

function moveFault(before: Cursor, now: Cursor): string | undefined {
  if (now.epoch < before.epoch) return 'an older epoch';
  if (now.epoch > before.epoch) return now.sequence === 1 ? undefined : 'an epoch that does not begin at 1';
  const step = now.sequence - before.sequence;
  // Written again to fence somebody off.
  if (step === 0) return now.batch === before.batch ? undefined : 'two commits of one sequence';
  if (step !== 1) return `from ${String(before.sequence)} to ${String(now.sequence)}`;
  if (now.batch === before.batch) return 'one batch twice';
  if (now.version < before.version || now.settled < before.settled) return 'its versions went back';
  return undefined;
}
