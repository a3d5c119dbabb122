/** Data that a policy command looks at: read once, resource by resource, with progress and every mistake told. */
import { readParts } from '../deid/input.ts';
import { InputProblem, mistakeText } from '../deid/mistakes.ts';
import { startProgress } from '../deid/progress.ts';
import { valuesOf } from '../deid/records.ts';
import { bytesTotal, openSources } from '../deid/source.ts';
import { usageExit } from '../exit.ts';

/** Hands every value of the input to `look`; false where something could not be read, which was said. */
export async function lookAtData(
  files: readonly string[],
  quiet: boolean,
  look: (value: unknown) => void,
): Promise<boolean> {
  const sources = await openSources(files, { twice: false }).catch((error: unknown) => {
    if (error instanceof InputProblem) usageExit(error.message);
    throw error;
  });
  const progress = startProgress(quiet);
  let whole = true;
  progress.begin('reading', bytesTotal(sources));
  const parts = readParts(sources, { onBytes: (count) => progress.bytes(count) });
  for await (const value of valuesOf(parts, (mistake) => {
    whole = false;
    console.error(mistakeText(mistake));
  })) {
    look(value);
    progress.records(1);
  }
  progress.end();
  return whole;
}
