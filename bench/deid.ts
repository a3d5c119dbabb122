/**
 * The benchmark `deid`: how fast resources are de-identified, compared in one run with how fast the same lines are parsed
 * and written, and with the same rules evaluated by a FHIRPath library. bench/README.md explains each figure.
 */
import { compilePolicy } from '../src/deid/compile.ts';
import type { CompiledPolicy } from '../src/deid/compile.ts';
import type { DeidKeys } from '../src/deid/engine.ts';
import type { PresetName } from '../src/deid/policy/document.ts';
import type { Resource } from '../src/fhir/resource.ts';
import { makeEdition } from './deid/editions.ts';
import type { Edition } from './deid/editions.ts';
import { clean, guardedShare, newKeys, outputsOf, scopeOf } from './deid/guarded.ts';
import { raceRules } from './deid/interpreted.ts';
import { measureMemory } from './deid/memory.ts';
import type { Benchmark, Section } from './lib/benchmark.ts';
import { profile } from './lib/profile.ts';
import { readLines, sampleFolder } from './lib/resources.ts';
import { race, sink } from './lib/rounds.ts';
import type { Contender, Race } from './lib/rounds.ts';
import { rateCells, ratioCells, short, spreads, whole } from './lib/table.ts';

const baseline = 'parse + stringify';

/** Held in memory all at once, so that nothing but passes is profiled. */
const profiledEditions = 4;

/** One preset, and the keys that its memos hang on. */
interface Prepared {
  readonly preset: PresetName;
  readonly policy: CompiledPolicy;
  readonly keys: DeidKeys;
}

const compile = (preset: PresetName): CompiledPolicy =>
  compilePolicy({ apiVersion: 'fhir-sluice/v1', extends: preset }, scopeOf([]));

/** Each contender has keys of its own, so that each meets the ids of a round for the first time. */
const prepare = (preset: PresetName, policy: CompiledPolicy): Prepared => ({ preset, policy, keys: newKeys() });

/** Parses and writes the same lines, and does nothing in between. */
const jsonOnly = (edition: () => Edition): Contender => ({
  name: baseline,
  pass: () => edition().lines.reduce((sum, line) => sum + JSON.stringify(JSON.parse(line)).length, 0),
});

const engineAlone = ({ preset, policy, keys }: Prepared, edition: () => Edition): Contender => ({
  name: preset,
  pass: () => {
    const { resources, wordsUnder } = edition();
    const words = wordsUnder(policy);
    let passed = 0;
    for (const resource of resources) if (clean(resource, policy, keys, words).kind === 'resource') passed++;
    return passed;
  },
});

const endToEnd = ({ preset, policy, keys }: Prepared, edition: () => Edition): Contender => ({
  name: `parse + ${preset} + stringify`,
  pass: () => {
    const { lines, wordsUnder } = edition();
    const words = wordsUnder(policy);
    let bytes = 0;
    for (const line of lines) {
      const result = clean(JSON.parse(line) as Resource, policy, keys, words);
      if (result.kind === 'resource') bytes += JSON.stringify(result.resource).length;
    }
    return bytes;
  },
});

function rateTable(title: string, found: Race, contenders: readonly Contender[]): Section {
  const rows = contenders.map(({ name }) => [
    name,
    ...rateCells(found.rate(name)),
    ...ratioCells(found.ratio(name, baseline)),
  ]);
  return { title, head: ['resources/s', 'median', 'least', 'greatest', `of ${baseline}`, 'range'], rows };
}

export const deid: Benchmark = async ({ data, rounds, editions, profile: profileFolder, note }) => {
  const lines = readLines(data ?? sampleFolder);
  const bytes = lines.reduce((sum, line) => sum + Buffer.byteLength(line), 0);
  note(`${whole(lines.length)} resources, ${whole(bytes / lines.length)} bytes each`);

  const [strict, lenient] = [compile('safe-harbor'), compile('aidbox-default')];
  const policies = [strict, lenient];
  let current = makeEdition(lines, 0, policies);
  const edition = (): Edition => current;
  const engine = engineAlone(prepare('safe-harbor', strict), edition);
  const pipeline = endToEnd(prepare('safe-harbor', strict), edition);
  const engineLenient = engineAlone(prepare('aidbox-default', lenient), edition);
  const pipelineLenient = endToEnd(prepare('aidbox-default', lenient), edition);
  // A worker always has a batch and its outputs in memory. Without any, the collection before each pass would throw the
  // shapes of all objects away, and the compiled code with them: passes would measure the compiler.
  const batch = makeEdition(lines, 9_999, policies).resources;
  const alive = policies.map((policy) => [batch, outputsOf(batch, policy)]);
  const json = jsonOnly(edition);
  const contenders = [json, engine, pipeline, engineLenient, pipelineLenient];
  // A worker runs under one policy: two in turn would make the compiler's work for one of them worse by the other's.
  const raced = (own: readonly Contender[], from: number, step = 1): Race =>
    race([json, ...own], {
      rounds,
      resources: lines.length,
      millisecondsMin: 0,
      prepare: (round) => (current = makeEdition(lines, from + round * step, policies)),
    });
  const found = raced([engine, pipeline], 0);
  const foundKnown = raced([engine], 700, 0);
  const foundLenient = raced([engineLenient, pipelineLenient], 500);

  const [guarded, guardedLenient] = policies.map((policy) =>
    guardedShare(current.resources, policy, current.wordsUnder(policy)),
  );
  note('the same rules by FHIRPath');
  const rules = raceRules(edition().resources, rounds, (resources) =>
    engineAlone(prepare('safe-harbor', strict), () => ({ ...current, resources })),
  );
  note('memory');
  const memory = await measureMemory(lines, strict, editions);
  if (profileFolder !== undefined) {
    const unseen = Array.from({ length: profiledEditions }, (_, at) => makeEdition(lines, 2_000 + at, policies));
    for (const { name, pass } of contenders) {
      const passes = unseen.map((one) => () => {
        current = one;
        sink.sum += pass();
      });
      note(await profile(name, passes, profileFolder));
    }
  }

  const guardSection: Section = {
    title: 'of the resources, through the leak guard',
    head: ['preset', 'share'],
    rows: [
      ['safe-harbor', short(guarded!)],
      ['aidbox-default', short(guardedLenient!)],
    ],
  };
  return {
    figures: {
      resources: lines.length,
      bytesPerResource: Math.round(bytes / lines.length),
      rounds,
      ...spreads({
        ratioToJson: found.ratio(engine.name, baseline),
        ratioToJsonKnownIds: foundKnown.ratio(engine.name, baseline),
        ratioToJsonEndToEnd: found.ratio(pipeline.name, baseline),
        ratioToJsonAidboxDefault: foundLenient.ratio(engineLenient.name, baseline),
        ratioToJsonEndToEndAidboxDefault: foundLenient.ratio(pipelineLenient.name, baseline),
        factorToInterpreted: rules.factor,
        engineFactorToInterpreted: rules.engineFactor,
      }),
      guardedShare: guarded,
      guardedShareAidboxDefault: guardedLenient,
      interpretedResources: rules.resources,
      interpretedRules: rules.rules,
      resourcesPerSecond: Object.fromEntries([
        ...[json, engine, pipeline].map(({ name }) => [name, Math.round(found.rate(name).median)]),
        ...[engineLenient, pipelineLenient].map(({ name }) => [name, Math.round(foundLenient.rate(name).median)]),
      ]),
      ...memory.figures,
      sink: sink.sum + alive.length, // what keeps the compiler honest
    },
    sections: [
      rateTable(`de-identification, ${rounds} rounds`, found, [json, engine, pipeline]),
      rateTable(`the same ids in every round, ${rounds} rounds`, foundKnown, [json, engine]),
      rateTable(`de-identification by another preset, ${rounds} rounds`, foundLenient, [
        json,
        engineLenient,
        pipelineLenient,
      ]),
      guardSection,
      rules.section,
      memory.section,
    ],
  };
};
