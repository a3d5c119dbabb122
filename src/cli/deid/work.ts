/** Works on one part: parses its records, and either gathers the words that rules remove or writes the output. */
import type { Layout, WorkPart, WordsOutcome, WorkTask, WriteOutcome } from './job.ts';
import { indentOf } from './layout.ts';
import type { InputMistake } from './mistakes.ts';
import { recordsOf } from './records.ts';
import type { ParsedRecord } from './records.ts';
import { emptyTally } from './tally.ts';
import type { Transform } from './transform.ts';
import { ascending, wordsOf } from './words.ts';
import type { SharedWords } from './words.ts';

/** The look-up of the run's words, made once for each thread. */
let lookup: { readonly words: SharedWords; readonly of: ReturnType<typeof wordsOf> } | undefined;

export function workOn(task: WorkTask, transform: Transform): WordsOutcome | WriteOutcome {
  return task.kind === 'words' ? gather(task.part, transform) : write(task.part, task.layout, task.words, transform);
}

/** What the message of an error begins with that names a record, and nothing of what is in it. */
export const recordFailed = 'record-failed ';

function attempt<Result>(part: WorkPart, record: ParsedRecord, action: () => Result): Result {
  try {
    return action();
  } catch (error) {
    throw failureOf(part, record, error);
  }
}

function failureOf({ file }: WorkPart, { line }: ParsedRecord, error: unknown): Error {
  const kind = error instanceof Error ? error.constructor.name : 'unknown';
  return new Error(`${recordFailed}${file}${line === undefined ? '' : `:${String(line)}`} (${kind})`);
}

function gather(part: WorkPart, transform: Transform): WordsOutcome {
  const byPatient = new Map<string, Set<number>>();
  let records = 0;
  for (const record of recordsOf(part)) {
    if (!('value' in record)) continue;
    records += 1;
    for (const { patient, removed } of attempt(part, record, () => transform.traces(record))) {
      let words = byPatient.get(patient);
      if (words === undefined) byPatient.set(patient, (words = new Set()));
      for (const word of removed) words.add(word);
    }
  }
  return { records, words: [...byPatient].map(([patient, words]) => [patient, ascending(words)] as const) };
}

function write(part: WorkPart, layout: Layout, words: SharedWords | undefined, transform: Transform): WriteOutcome {
  if (words !== undefined && lookup?.words.names !== words.names) lookup = { words, of: wordsOf(words) };
  const known = words === undefined ? undefined : lookup?.of;
  const indent = layout === 'as-it-came' && part.kind === 'document' ? indentOf(part.bytes) : '';
  const mistakes: InputMistake[] = [];
  const tally = emptyTally();
  const texts: string[] = [];
  for (const record of recordsOf(part)) {
    if (!('value' in record)) {
      mistakes.push({ file: part.file, ...record });
      continue;
    }
    const text = attempt(part, record, () =>
      transform.output(record, tally, { file: part.file, indent, words: known }),
    );
    if (text !== undefined) texts.push(text, '\n');
  }
  return { bytes: Buffer.from(texts.join('')), mistakes, tally };
}
