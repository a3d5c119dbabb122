/**
 * `npm run soak`: runs a site through faults on fresh seeds until something breaks or the time is over.
 *
 *     npm run soak -- --minutes 60      as long as that
 *     npm run soak -- --seeds 1000      so many
 *     npm run soak -- --seed 4711       one again; --times 20 as often as that
 *     npm run soak -- --from 1          seeds in a row from there, in place of random ones
 *     npm run soak -- --stores sqlite   a file, a folder and one worker; `postgres`: PostgreSQL, S3 and two workers.
 *                                       Left out, `mixed`: the seed draws it
 *
 * The last line is `N seeds, N faults, N broken`; the exit code is 1 as soon as an invariant is broken.
 */
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';

import { createThreadPool } from '../src/threads/pool.ts';
import { runSeed, type RunResult } from '../test/faults/run.ts';
import { storeKinds, StoreServers } from '../test/faults/stores.ts';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string' },
    seeds: { type: 'string' },
    seed: { type: 'string' },
    times: { type: 'string', default: '1' },
    from: { type: 'string' },
    stores: { type: 'string', default: 'mixed' },
    verbose: { type: 'boolean', default: false },
  },
});

/** Growth of the process's memory over a soak, from when it has warmed up, beyond which something leaks. */
const growthBytesMax = 400 * 2 ** 20;
const warmUpRuns = 50;

class Soak {
  readonly #startedMs = Date.now();
  readonly #hits = new Map<string, number>();
  runs = 0;
  broken = 0;
  #batches = 0;
  #slowestMs = 0;
  #warmBytes = 0;

  get faults(): number {
    const kinds = ['source', 'target', 'state', 'staging', 'process', 'temporal', 'mishap'];
    return [...this.#hits].reduce(
      (sum, [name, count]) => (kinds.includes(name.split(':')[0] ?? '') ? sum + count : sum),
      0,
    );
  }

  add({ seed, broken, hits, batches, ms }: RunResult): void {
    this.runs += 1;
    this.#batches += batches;
    this.#slowestMs = Math.max(this.#slowestMs, ms);
    for (const [name, count] of hits) this.#hits.set(name, (this.#hits.get(name) ?? 0) + count);
    if (this.runs === warmUpRuns) this.#warmBytes = process.memoryUsage.rss();
    if (broken.length === 0) return;
    this.broken += 1;
    console.log(
      `\nseed ${String(seed)} breaks (again: npm run soak -- --stores ${String(kind)} --seed ${String(seed)}):`,
    );
    for (const line of broken.slice(0, 20)) console.log(`  ${line}`);
  }

  get grownBytes(): number {
    return this.#warmBytes === 0 ? 0 : process.memoryUsage.rss() - this.#warmBytes;
  }

  /** A leak is a broken invariant like any other. */
  get leaks(): boolean {
    return this.grownBytes > growthBytesMax;
  }

  progress(): string {
    const seconds = (Date.now() - this.#startedMs) / 1_000;
    const mb = Math.round(process.memoryUsage.rss() / 2 ** 20);
    return `${String(this.runs)} seeds, ${String(this.faults)} faults, ${(seconds / Math.max(1, this.runs)).toFixed(2)} s each, ${String(mb)} MB`;
  }

  report(): void {
    for (const [name, count] of [...this.#hits].sort(([a], [b]) => (a < b ? -1 : 1)))
      console.log(`${name.padEnd(44)} ${String(count)}`);
    const grown = Math.round(this.grownBytes / 2 ** 20);
    console.log(
      `${String(this.#batches)} batches, slowest seed ${String(this.#slowestMs)} ms, memory grew by ${String(grown)} MB`,
    );
  }
}

function* seeds(): Generator<number> {
  if (values.seed !== undefined) {
    for (let turn = 0; turn < Number(values.times); turn += 1) yield Number(values.seed);
    return;
  }
  const count = values.seeds === undefined ? Infinity : Number(values.seeds);
  const untilMs = values.minutes === undefined ? Infinity : Date.now() + Number(values.minutes) * 60_000;
  const limit = values.seeds === undefined && values.minutes === undefined ? 100 : count;
  for (let turn = 0; turn < limit && Date.now() < untilMs; turn += 1)
    yield values.from === undefined ? randomInt(2 ** 31) : Number(values.from) + turn;
}

const kind = storeKinds.find((name) => name === values.stores);
if (kind === undefined) throw new Error(`--stores is one of ${storeKinds.join(', ')}`);

const soak = new Soak();
const servers = kind === 'sqlite' ? undefined : await StoreServers.start();
const pool = createThreadPool(1);
for (const seed of seeds()) {
  const result = await runSeed(seed, { pool, kind, servers });
  soak.add(result);
  if (values.verbose)
    console.log(`seed ${String(seed)} ${JSON.stringify({ ...result, hits: Object.fromEntries(result.hits) })}`);
  if (process.stdout.isTTY) process.stdout.write(`\r${soak.progress()} `);
  else if (soak.runs % 50 === 0) console.log(soak.progress());
  if (soak.broken > 0 || soak.leaks) break;
}
await pool.close();
await servers?.stop();
if (process.stdout.isTTY) console.log();
soak.report();
if (soak.leaks) console.log('memory grows without end');
const broken = soak.broken + (soak.leaks ? 1 : 0);
console.log(`${String(soak.runs)} seeds, ${String(soak.faults)} faults, ${String(broken)} broken`);
process.exitCode = broken === 0 ? 0 : 1;
