/**
 * The benchmark `deid`: how fast resources are de-identified, compared in one run with how fast the same lines are parsed
 * and written, and with the same rules evaluated by a FHIRPath library. bench/README.md explains each figure.
 */
import { compilePolicy } from '../src/deid/compile.ts';
import type { CompiledPolicy } from '../src/deid/compile.ts';
import type { PresetName } from '../src/deid/policy/document.ts';
import type { Resource } from '../src/fhir/resource.ts';
import { clean, gather, scopeOf } from './deid/guarded.ts';
import type { PatientWords } from './deid/guarded.ts';
import { raceRules } from './deid/interpreted.ts';
import type { Benchmark, BenchOptions, Section } from './lib/benchmark.ts';
import { allocatedBy, heapAfterPasses } from './lib/memory.ts';
import { profile } from './lib/profile.ts';
import { parseAll, readLines, sampleFolder } from './lib/resources.ts';
import { race, sink } from './lib/rounds.ts';
import type { Contender, Race } from './lib/rounds.ts';
import { rateCells, ratioCells, short, whole } from './lib/table.ts';

const baseline = 'parse + stringify';
const memoryPasses = 5;
const millisecondsMin = 300;

/** One preset, ready to run. */
interface Prepared {
  readonly preset: PresetName;
  readonly policy: CompiledPolicy;
  readonly words: PatientWords;
}

function prepare(preset: PresetName, resources: readonly Resource[]): Prepared {
  const policy = compilePolicy({ apiVersion: 'fhir-sluice/v1', extends: preset }, scopeOf([]));
  return { preset, policy, words: gather(resources, policy) };
}

/** Parses and writes the same lines, and does nothing in between. */
const jsonOnly = (lines: readonly string[]): Contender => ({
  name: baseline,
  pass: () => lines.reduce((sum, line) => sum + JSON.stringify(JSON.parse(line)).length, 0),
});

const engineAlone = ({ preset, policy, words }: Prepared, resources: readonly Resource[]): Contender => ({
  name: preset,
  pass: () => {
    let passed = 0;
    for (const resource of resources) if (clean(resource, policy, words).kind === 'resource') passed++;
    return passed;
  },
});

const endToEnd = ({ preset, policy, words }: Prepared, lines: readonly string[]): Contender => ({
  name: `parse + ${preset} + stringify`,
  pass: () => {
    let bytes = 0;
    for (const line of lines) {
      const result = clean(JSON.parse(line) as Resource, policy, words);
      if (result.kind === 'resource') bytes += JSON.stringify(result.resource).length;
    }
    return bytes;
  },
});

function rateTable(title: string, found: Race, contenders: readonly Contender[], over: string): Section {
  const rows = contenders.map(({ name }) => [
    name,
    ...rateCells(found.rate(name)),
    ...ratioCells(found.ratio(name, over)),
  ]);
  return { title, head: ['resources/s', 'median', 'least', 'greatest', `of ${over}`, 'range'], rows };
}

/** Heap held by passes, and allocated in one. */
async function memory(contender: Contender, resources: number): Promise<{ figures: object; section: Section }> {
  const heap = heapAfterPasses(contender.pass, memoryPasses);
  const [before = 0, first = 0] = heap;
  const last = heap.at(-1) ?? 0;
  const growth = (last - first) / (memoryPasses - 1);
  const perResource = (await allocatedBy(contender.pass)) / resources;
  const rows = heap.map((bytes, pass) => [
    pass === 0 ? 'before' : `after pass ${pass}`,
    whole(bytes),
    whole(bytes - before),
  ]);
  rows.push(['a pass, after the first', '', whole(growth)], ['allocated a resource', whole(perResource), '']);
  return {
    figures: {
      heapBytesAfterPasses: heap,
      heapGrowthBytesPerPass: Math.round(growth),
      heapGrowthBytesPerResource: Number((growth / resources).toFixed(2)),
      allocatedBytesPerResource: Math.round(perResource),
    },
    section: { title: `memory, ${contender.name}`, head: ['heap after collection', 'bytes', 'growth'], rows },
  };
}

export const deid: Benchmark = async (options: BenchOptions) => {
  const lines = readLines(options.data ?? sampleFolder);
  const resources = parseAll(lines);
  const bytes = lines.reduce((sum, line) => sum + Buffer.byteLength(line), 0);
  options.note(`${whole(lines.length)} resources, ${whole(bytes / lines.length)} bytes each`);

  const strict = prepare('safe-harbor', resources);
  const lenient = prepare('aidbox-default', resources);
  const contenders = [
    jsonOnly(lines),
    engineAlone(strict, resources),
    endToEnd(strict, lines),
    engineAlone(lenient, resources),
    endToEnd(lenient, lines),
  ];
  const [, strictAlone, strictWhole, lenientAlone, lenientWhole] = contenders.map(({ name }) => name);
  const found = race(contenders, { rounds: options.rounds, resources: lines.length, millisecondsMin });
  const ratios = {
    ratioToJson: found.ratio(strictAlone!, baseline),
    ratioToJsonEndToEnd: found.ratio(strictWhole!, baseline),
    ratioToJsonAidboxDefault: found.ratio(lenientAlone!, baseline),
    ratioToJsonEndToEndAidboxDefault: found.ratio(lenientWhole!, baseline),
  };

  options.note('the same rules by FHIRPath');
  const rules = raceRules(resources, options.rounds, (sample) => engineAlone(strict, sample));
  options.note('memory');
  const held = await memory(contenders[1]!, lines.length);
  if (options.profile !== undefined) {
    for (const contender of contenders) options.note(await profile(contender, options.profile));
  }

  return {
    figures: {
      resources: lines.length,
      bytesPerResource: Math.round(bytes / lines.length),
      rounds: options.rounds,
      ...spreads(ratios),
      ...spreads({ factorToInterpreted: rules.factor, engineFactorToInterpreted: rules.engineFactor }),
      interpretedResources: rules.resources,
      interpretedRules: rules.rules,
      resourcesPerSecond: Object.fromEntries(contenders.map(({ name }) => [name, Math.round(found.rate(name).median)])),
      ...held.figures,
      sink: sink.sum, // what keeps the compiler honest
    },
    sections: [
      rateTable(`de-identification, ${options.rounds} rounds`, found, contenders, baseline),
      rules.section,
      held.section,
    ],
  };
};

/** `name` for each median, `nameRange` for least and greatest. */
function spreads(of: Readonly<Record<string, { median: number; min: number; max: number }>>): object {
  return Object.fromEntries(
    Object.entries(of).flatMap(([name, { median, min, max }]) => [
      [name, Number(short(median).replace(',', ''))],
      [`${name}Range`, [min, max].map((figure) => Number(figure.toPrecision(4)))],
    ]),
  );
}
