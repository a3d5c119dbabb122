/**
 * The two readings. The first gathers the words that rules remove, so that no output is written before all of a patient's
 * words are known; the second writes. Without the leak guard the first is left out.
 */
import { inOrder } from './in-order.ts';
import { readParts } from './input.ts';
import type { Part } from './input.ts';
import type { Layout, WorkPart, WriteOutcome } from './job.ts';
import type { InputMistake } from './mistakes.ts';
import type { Output } from './output.ts';
import type { Progress } from './progress.ts';
import { bytesTotal } from './source.ts';
import type { Source } from './source.ts';
import { addTally, emptyTally } from './tally.ts';
import type { Tally } from './tally.ts';
import type { Team } from './team.ts';
import { WordStore } from './words.ts';
import type { SharedWords } from './words.ts';

export interface Run {
  readonly sources: readonly Source[];
  readonly team: Team;
  readonly guard: boolean;
  /** Nothing is written where there is none: a dry run. */
  readonly output: Output | undefined;
  readonly progress: Progress;
  readonly onMistake: (mistake: InputMistake) => void;
}

export interface RunResult {
  readonly tally: Tally;
  /** False where whoever reads the output had enough of it. */
  readonly isComplete: boolean;
}

export async function runOver(run: Run): Promise<RunResult> {
  const words = run.guard ? await gatherWords(run) : undefined;
  return writeAll(run, words);
}

async function gatherWords({ sources, team, progress }: Run): Promise<SharedWords> {
  const store = new WordStore();
  progress.begin('first reading', bytesTotal(sources));
  const parts = readParts(sources, { onBytes: (count) => progress.bytes(count) });
  // Mistakes come again, and are told, in the second reading.
  const outcomes = inOrder(worked(parts), (part) => team.run({ kind: 'words', part }), team.inFlightMax);
  for await (const { words, records } of outcomes) {
    store.add(words);
    progress.records(records);
  }
  return store.share();
}

async function* worked(parts: AsyncIterable<Part>): AsyncGenerator<WorkPart> {
  for await (const part of parts) if (part.kind !== 'mistake') yield workPart(part);
}

const workPart = (part: Exclude<Part, { kind: 'mistake' }>): WorkPart => ({ line: 1, ...part });

async function writeAll(run: Run, words: SharedWords | undefined): Promise<RunResult> {
  const { sources, team, output, progress, onMistake } = run;
  const tally = emptyTally();
  const layout: Layout = sources.length === 1 ? 'as-it-came' : 'lines';
  progress.begin('writing', bytesTotal(sources));
  const parts = readParts(sources, { onBytes: (count) => progress.bytes(count) });
  const work = async (part: Part): Promise<WriteOutcome | InputMistake> =>
    part.kind === 'mistake'
      ? part.mistake
      : team.run({ kind: 'write', part: workPart(part), layout, ...(words && { words }) });
  for await (const outcome of inOrder(parts, work, team.inFlightMax)) {
    if (!('tally' in outcome)) {
      onMistake(outcome);
      continue;
    }
    addTally(tally, outcome.tally);
    progress.records(outcome.tally.records);
    outcome.mistakes.forEach(onMistake);
    if (output !== undefined && outcome.bytes.length > 0 && !(await output.write(outcome.bytes))) {
      return { tally, isComplete: false };
    }
  }
  await output?.end();
  return { tally, isComplete: true };
}
