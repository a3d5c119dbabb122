/**
 * A configuration in Microsoft's format, run in two ways: every path evaluated by the FHIRPath library, as the tools of the
 * field do, and every path that can be compiled, compiled. Same rules, same output.
 */
import { isDeepStrictEqual } from 'node:util';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { anonymizeCompat, compileCompat, readCompatConfig } from '../../src/deid/compat/index.ts';
import type { CompatEngine } from '../../src/deid/compat/index.ts';
import type { Resource } from '../../src/fhir/resource.ts';
import type { Section } from '../lib/benchmark.ts';
import { race } from '../lib/rounds.ts';
import type { Contender, Spread } from '../lib/rounds.ts';
import { rateCells, ratioCells } from '../lib/table.ts';
import { asOf } from './guarded.ts';

/** Interpreting takes milliseconds for each resource: some hundreds, spread over the set, are enough. */
const resourcesMax = 300;
const roundsMax = 5;

const interpreted = 'rules, interpreted';
const compiled = 'rules, compiled';

export interface RuleRace {
  /** Rate of the compiled rules over that of the interpreted ones. */
  readonly factor: Spread;
  /** Rate of the product's own engine over that of the interpreted rules. */
  readonly engineFactor: Spread;
  readonly resources: number;
  readonly rules: number;
  readonly section: Section;
}

const contender = (name: string, engine: CompatEngine, resources: readonly Resource[]): Contender => ({
  name,
  pass: () => resources.reduce((sum, resource) => sum + anonymizeCompat(engine, resource).kind.length, 0),
});

/** Every nth resource, so that all types and patients are there in their shares. */
function sampleOf(resources: readonly Resource[]): Resource[] {
  const step = Math.max(1, Math.ceil(resources.length / resourcesMax));
  return resources.filter((_, at) => at % step === 0);
}

/** Races both ways and the product's own engine over a sample of the set. */
export function raceRules(
  resources: readonly Resource[],
  rounds: number,
  own: (resources: readonly Resource[]) => Contender,
): RuleRace {
  const reading = readCompatConfig(readFileSync(join(import.meta.dirname, 'fhirpath-rules.json'), 'utf8'));
  if (!reading.ok) throw new Error(`fhirpath-rules.json: ${JSON.stringify(reading.problems)}`);
  const slow = compileCompat(reading.config, { asOf, interpretAll: true });
  const fast = compileCompat(reading.config, { asOf });
  const sample = sampleOf(resources);
  // A race between two programs that do different things would say nothing.
  for (const resource of sample) {
    if (!isDeepStrictEqual(anonymizeCompat(slow, resource), anonymizeCompat(fast, resource))) {
      throw new Error(`interpreted and compiled rules differ on a ${resource.resourceType}`);
    }
  }
  const engine = own(sample);
  const contenders = [contender(interpreted, slow, sample), contender(compiled, fast, sample), engine];
  const measured = Math.min(rounds, roundsMax);
  const found = race(contenders, { rounds: measured, resources: sample.length, millisecondsMin: 300 });
  return {
    factor: found.ratio(compiled, interpreted),
    engineFactor: found.ratio(engine.name, interpreted),
    resources: sample.length,
    rules: reading.config.rules.length,
    section: {
      title: `${reading.config.rules.length} FHIRPath rules on ${sample.length} resources, ${measured} rounds`,
      head: ['resources/s', 'median', 'least', 'greatest', `of ${interpreted}`, 'range'],
      rows: contenders.map(({ name }) => [
        name,
        ...rateCells(found.rate(name)),
        ...ratioCells(found.ratio(name, interpreted)),
      ]),
    },
  };
}
