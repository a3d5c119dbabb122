/**
 * Microsoft's own functional test data: inputs, configurations and what comes of them. The folder lies beside the
 * repository and is no part of it; where it is not there, a skipped test says so.
 */
import { existsSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { anonymizeCompat, compileCompat, readCompatConfig } from '../../../src/deid/compat/index.ts';
import type { CompatEngine } from '../../../src/deid/compat/index.ts';

interface GoldenCase {
  readonly config: string;
  readonly input: string;
  readonly expected?: string;
  readonly throws?: boolean;
}

const folder = join(import.meta.dirname, '../../../../shared/goldens');
const list = join(folder, 'cases.json');
const textOf = (name: string): string => readFileSync(join(folder, name), 'utf8').replace(/^\ufeff/, '');
const jsonOf = (name: string): unknown => JSON.parse(textOf(name));

function engineOf(config: string, interpretAll: boolean): CompatEngine {
  const reading = readCompatConfig(config);
  if (!reading.ok) throw new Error(JSON.stringify(reading.problems));
  return compileCompat(reading.config, { interpretAll });
}

const cases = existsSync(list) ? (jsonOf('cases.json') as GoldenCase[]) : [];

for (const interpretAll of [false, true]) {
  describe(`Microsoft's goldens, paths ${interpretAll ? 'interpreted' : 'compiled'}`, () => {
    if (cases.length === 0) {
      it.skip(`skipped: there is no ${list}`, () => {});
      return;
    }
    it.each(cases.map((golden) => [basename(golden.config), basename(golden.input), golden] as const))(
      '%s on %s',
      (_config, _input, golden) => {
        if (golden.throws === true || golden.expected === undefined) {
          // What is thrown may also be what is wrong with the configuration.
          const [config, resource] = [textOf(golden.config), textOf(golden.input)];
          expect(() => anonymizeCompat(engineOf(config, interpretAll), JSON.parse(resource))).toThrow();
          return;
        }
        const [engine, input] = [engineOf(textOf(golden.config), interpretAll), jsonOf(golden.input)];
        expect(anonymizeCompat(engine, input)).toEqual({ kind: 'resource', resource: jsonOf(golden.expected) });
      },
    );
  });
}
