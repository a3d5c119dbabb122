/** `--dry-run --diff`: each record before and after, side by side. It shows patients' data, so only to a terminal. */
import { inR4Order } from './r4-order.ts';
import { readParts } from './input.ts';
import type { InputMistake } from './mistakes.ts';
import type { Output } from './output.ts';
import { recordsIn } from './records.ts';
import type { RunResult } from './run.ts';
import { sideBySide } from './side-by-side.ts';
import type { Columns } from './side-by-side.ts';
import type { Source } from './source.ts';
import { emptyTally } from './tally.ts';
import type { Transform } from './transform.ts';
import { ascending, wordsOf, WordStore } from './words.ts';
import type { Json } from '../../fhir/resource.ts';

export interface Showing {
  readonly sources: readonly Source[];
  readonly transform: Transform;
  readonly guard: boolean;
  readonly output: Output;
  readonly columns: Columns;
  readonly onMistake: (mistake: InputMistake) => void;
}

export async function showDifferences(showing: Showing): Promise<RunResult> {
  const { sources, transform, output, columns, onMistake } = showing;
  const words = showing.guard ? await gathered(showing) : undefined;
  const tally = emptyTally();
  for await (const record of recordsIn(readParts(sources), onMistake)) {
    const withheld = { ...tally.withheld };
    const after = transform.output(record, tally, { file: record.file, indent: '  ', words });
    const reason = Object.keys(tally.withheld).find((one) => tally.withheld[one] !== withheld[one]);
    const before = JSON.stringify(inR4Order(record.value as Json), null, 2);
    const text = sideBySide(before, after ?? `withheld: ${reason ?? ''}`, columns);
    if (!(await output.write(`${text}\n${'─'.repeat(columns.width)}\n`))) return { tally, isComplete: false };
  }
  await output.end();
  return { tally, isComplete: true };
}

async function gathered({ sources, transform }: Showing): Promise<ReturnType<typeof wordsOf>> {
  const store = new WordStore();
  for await (const record of recordsIn(readParts(sources), () => undefined)) {
    store.add(transform.traces(record).map(({ patient, removed }) => [patient, ascending(removed)]));
  }
  return wordsOf(store.share());
}
