/**
 * Microsoft's or fhir-pseudonymizer's configuration as it is: no leak guard, and what no rule names passes, as with those
 * tools. What they stop at is withheld, and the rest goes on.
 */
import { randomBytes } from 'node:crypto';
import { basename, dirname } from 'node:path';

import { anonymizeCompatText, compileCompat, CompatProblem } from '../../deid/compat/index.ts';
import type { CompatConfig, CompatEngine } from '../../deid/compat/index.ts';
import type { CompatJob } from './job.ts';
import { reindented } from './layout.ts';
import { count } from './tally.ts';
import type { Transform } from './transform.ts';

export function compatTransform({ config, asOf }: CompatJob): Transform {
  const engines = new Map<string, CompatEngine>();
  const engineFor = (file: string): CompatEngine => {
    const inputName = inputNameOf(config, file);
    let engine = engines.get(inputName);
    if (engine === undefined)
      engines.set(inputName, (engine = compileCompat(config, { asOf: new Date(asOf), inputName })));
    return engine;
  };
  return {
    traces: () => [],
    output: ({ text }, tally, { file, indent }) => {
      tally.records += 1;
      try {
        const result = anonymizeCompatText(engineFor(file), text);
        if (result.kind === 'resource') {
          tally.written += 1;
          return reindented(result.text, indent);
        }
        count(tally.withheld, result.reason);
      } catch (error) {
        if (!(error instanceof CompatProblem)) throw error;
        count(tally.withheld, error.code);
      }
      return undefined;
    },
  };
}

/** What shifts go by beside the key, where they do not go by the resource. */
function inputNameOf({ parameters: { dateShiftScope } }: CompatConfig, file: string): string {
  if (dateShiftScope === 'resource') return '';
  return dateShiftScope === 'file' ? basename(file) : basename(dirname(file));
}

/** Keys that the file leaves empty are random: drawn once, so that every thread has the same. */
export function withKeys(config: CompatConfig): CompatConfig {
  const { dateShiftKey, cryptoHashKey, encryptKey } = config.parameters;
  const random = (): string => randomBytes(16).toString('hex');
  return {
    ...config,
    parameters: {
      ...config.parameters,
      dateShiftKey: dateShiftKey || random(),
      cryptoHashKey: cryptoHashKey || random(),
      encryptKey: encryptKey || random(),
    },
  };
}

/** What a digest may be of: a key that somebody made up could be guessed from it. */
export const withoutKeys = (config: CompatConfig): CompatConfig => ({
  ...config,
  parameters: { ...config.parameters, dateShiftKey: '', cryptoHashKey: '', encryptKey: '' },
});
