/**
 * `npm run bench -- <name> [--json] [--data DIR] [--rounds N] …`: runs one benchmark and prints what it found.
 * What the figures mean: bench/README.md. No figure is a test: machines differ, so ratios within one run are what counts.
 */
import { availableParallelism, cpus } from 'node:os';
import { parseArgs } from 'node:util';
import type { Benchmark, BenchOptions } from './lib/benchmark.ts';
import { table } from './lib/table.ts';

/** One file a benchmark; loaded when asked for, so that a broken one does not stop the others. */
const benchmarks: Readonly<Record<string, () => Promise<Benchmark>>> = {
  deid: async () => (await import('./deid.ts')).deid,
};

const usage = `npm run bench -- <name> [--json] [--data DIR] [--rounds N] [--editions N] [--profile DIR]

names: ${Object.keys(benchmarks).join(', ')}
--json         one JSON object instead of the table
--data DIR     another set: NDJSON or Bundles, packed or not, such as a whole Synthea output
--rounds N     measured rounds, 15 unless told
--editions N   passes with new ids for the memory figures, 20 unless told; 140 fill every memo
--profile DIR  writes a .cpuprofile of each contender there, after the measurement
`;

const isCount = (value: number): boolean => Number.isInteger(value) && value >= 1;

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      json: { type: 'boolean', default: false },
      data: { type: 'string' },
      rounds: { type: 'string', default: '15' },
      editions: { type: 'string', default: '20' },
      profile: { type: 'string' },
    },
  });
  const [name = ''] = positionals;
  const [rounds, editions] = [Number(values.rounds), Number(values.editions)];
  if (!Object.hasOwn(benchmarks, name) || ![rounds, editions].every(isCount)) {
    process.stderr.write(usage);
    return 2;
  }
  const benchmark = await benchmarks[name]!();
  const options: BenchOptions = {
    rounds,
    editions,
    data: values.data,
    profile: values.profile,
    note: (text) => process.stderr.write(`${text}\n`),
  };
  const { figures, sections } = await benchmark(options);
  const machine = { node: process.version, cpu: cpus()[0]?.model ?? 'unknown', cores: availableParallelism() };
  if (values.json) {
    process.stdout.write(`${JSON.stringify({ benchmark: name, ...machine, ...figures })}\n`);
    return 0;
  }
  process.stdout.write(`${name}: Node ${machine.node}, ${machine.cores} cores of ${machine.cpu}\n`);
  for (const { title, head, rows } of sections) process.stdout.write(`\n${title}\n${table(head, rows)}`);
  return 0;
}

process.exitCode = await main();
