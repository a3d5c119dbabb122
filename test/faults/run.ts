/** One seed, one run: a site is driven through what the seed holds, comes to rest, and is held against the truth. */
import { setTimeout as sleep } from 'node:timers/promises';

import type { Batch } from '../../src/activities/contract.ts';
import type { TroubleCode } from '../../src/sync/trouble.ts';
import type { ThreadPool } from '../../src/threads/pool.ts';
import { poison } from './data.ts';
import { drawProfile, type Profile } from './profile.ts';
import { Dice } from './random.ts';
import { Stream } from './stream.ts';
import { Temporal } from './temporal.ts';
import { Truth } from './truth.ts';
import { type Ended, verdictOn } from './verdict.ts';
import { Workload } from './workload.ts';
import { instanceName, World } from './world.ts';
import { drawStores, type Mishap, type StoreKind, type Stores, type StoreServers } from './stores.ts';

export interface RunResult {
  readonly seed: number;
  /** Broken invariants; none where all is well. */
  readonly broken: readonly string[];
  /** What came to harm, and how often. */
  readonly hits: ReadonlyMap<string, number>;
  readonly batches: number;
  /** Resources in the target, parked, quarantined in the end. */
  readonly ended: Ended;
  readonly ms: number;
}

export interface RunOptions {
  readonly pool: ThreadPool;
  /** What runs with a choice of stores need. */
  readonly servers?: StoreServers | undefined;
  /** What the state and staging lie in; a file and a folder where it is left out. */
  readonly kind?: StoreKind;
  /** Changes what the seed says, to find out what a fault hangs on. */
  readonly change?: (profile: Profile) => Profile;
  readonly changeStores?: (stores: Stores) => Stores;
  /** Called before the check: for tests that break something. */
  readonly tamper?: (world: World, truth: Truth) => void | Promise<void>;
  /** Called before all of it is taken away: for those who look for a cause. */
  readonly atEnd?: (world: World) => void | Promise<void>;
}

/** No run takes so long that comes to rest: with files alone, and with servers on a machine that others use. */
const restSecondsMax = { files: 90, servers: 300 };

/** A stream that commits one range so often is on the spot. */
const roundsMax = 20;

export async function runSeed(seed: number, options: RunOptions): Promise<RunResult> {
  const startedMs = performance.now();
  const dice = new Dice(seed);
  const drawn = drawProfile(dice.of('profile'));
  const { pool, servers } = options;
  const drawnStores = drawStores(dice.of('stores'), options.kind ?? 'sqlite');
  const changed = options.changeStores?.(drawnStores) ?? drawnStores;
  const stores = servers?.nearest(changed) ?? changed;
  const fitting = stores.staging === 's3' ? withPatience(drawn) : drawn;
  const profile = options.change?.(fitting) ?? fitting;
  const world = await World.start({ profile, stores, servers, dice: dice.of('world'), pool });
  try {
    const run = new Run(world, dice);
    await run.through(options.tamper);
    await options.atEnd?.(world);
    return { seed, ...run.result(), ms: Math.round(performance.now() - startedMs) };
  } finally {
    await world.close();
  }
}

class Run {
  readonly #world: World;
  readonly #broken: string[] = [];
  readonly #failures: unknown[] = [];
  readonly #streams: readonly Stream[];
  readonly #temporal: Temporal;
  readonly #workload: Workload;
  readonly #polls = new Set<Promise<unknown>>();
  readonly #mishaps: Mishap[];
  readonly #mishapHits = new Map<string, number>();
  #batches = 0;
  #due = 0;
  /** The range that each stream committed last, and how often in a row. */
  readonly #rounds = new Map<string, { readonly at: string; readonly times: number }>();
  #over = false;
  #ended: Ended = { present: 0, parked: 0, quarantined: 0 };
  #truths!: Readonly<Record<'up' | 'down', Truth>>;

  constructor(world: World, dice: Dice) {
    this.#world = world;
    const { profile } = world;
    this.#mishaps = [...world.stores.mishaps];
    this.#temporal = new Temporal({
      dice: dice.of('temporal'),
      running: (own) => world.running(own.below(2)),
      share: profile.attemptShare,
      onFailure: (failure) => this.#failures.push(failure),
    });
    const keys = [
      ...profile.upTypes.map((type) => ({ direction: 'up' as const, type })),
      ...(profile.down ? [{ direction: 'down' as const, type: 'Organization' }] : []),
    ];
    this.#streams = keys.map(
      (stream) =>
        new Stream({
          stream,
          temporal: this.#temporal,
          dice: dice.of(`stream ${stream.direction} ${stream.type}`),
          onBroken: (what) => this.#broken.push(what),
          onCommitted: (batch) => {
            this.#onCommitted(batch);
          },
          isOver: () => this.#over || this.#broken.length > 0,
          tolerated: toleratedIn(world.stores),
        }),
    );
    world.onStart = ({ stream, askFirst }) => {
      this.#due += 1;
      this.#streamOf(stream.direction, stream.type).start(askFirst);
    };
    this.#workload = new Workload({
      dice: dice.of('workload'),
      profile,
      instance: world.instance,
      hub: world.hub,
      clock: world.clock,
      operator: {
        poll: () => {
          this.#poll();
        },
        resync: (direction, type) => {
          this.#streamOf(direction, type).resync();
        },
        allow: (allowed) => {
          world.allow(allowed);
        },
        retryQuarantine: () => {
          this.#retryQuarantine();
        },
      },
      hubId: (type, id) => this.#truths.up.targetId(type, id),
    });
  }

  #streamOf(direction: string, type: string): Stream {
    const found = this.#streams.find(({ key }) => key.direction === direction && key.type === type);
    if (found === undefined) throw new Error(`no stream ${direction} ${type}`);
    return found;
  }

  #onCommitted({ stream, range, from, own }: Batch): void {
    this.#batches += 1;
    // Work takes time: what waits for transactions to end must not wait for the next step alone.
    this.#workload.advance(20);
    const name = `${stream.direction} ${stream.type}`;
    const at = JSON.stringify([range, from, own]);
    const before = this.#rounds.get(name);
    const times = before?.at === at ? before.times + 1 : 1;
    this.#rounds.set(name, { at, times });
    if (times === roundsMax) this.#broken.push(`${name}: one range again and again`);
  }

  async through(tamper: RunOptions['tamper']): Promise<void> {
    const { profile } = this.#world;
    const { parts } = await this.#world.running();
    const options = { limitBytes: profile.limits.resourceBytesMax, poison };
    this.#truths = { up: new Truth('up', parts, options), down: new Truth('down', parts, options) };
    // Servers take longer than files: what happens shall happen while the site is at work.
    const pace = this.#world.places.areFiles ? 1 : 6;
    this.#workload.begin();
    this.#poll();
    for (let step = 0; step < profile.steps && this.#broken.length === 0; step += 1) {
      await this.#befall(step / profile.steps, pace);
      this.#workload.step();
      await sleep((step % 4) * pace);
    }
    await this.#comeToRest();
    if (this.#broken.length === 0) {
      await tamper?.(this.#world, this.#truths.up);
      const input = { workload: this.#workload, truths: this.#truths, failures: this.#failures };
      const { broken, ended } = await verdictOn(this.#world, input);
      this.#broken.push(...broken);
      this.#ended = ended;
    }
    this.#over = true;
    await Promise.race([this.#settled(), sleep(5_000, undefined, { ref: false })]);
  }

  /** What goes wrong beside the requests, by the share of the run that is over. */
  async #befall(share: number, pace: number): Promise<void> {
    const { disk, skewMs } = this.#world;
    for (let [next] = this.#mishaps; next !== undefined && next.at <= share; [next] = this.#mishaps) {
      this.#mishaps.shift();
      this.#mishapHits.set(next.what, (this.#mishapHits.get(next.what) ?? 0) + 1);
      if (next.what !== 'clock jump') {
        disk.isFull = next.what === 'disk full';
        continue;
      }
      // When that hurts most: what is in flight must not be taken for settled.
      this.#workload.strand();
      this.#poll();
      await sleep(30 * pace);
      for (const seat of next.seats) skewMs[seat] = next.hours * 3_600_000;
      this.#poll();
      await sleep(30 * pace);
    }
  }

  #poll(): void {
    // A Schedule does not begin a tick while the one before it runs.
    if (this.#polls.size > 0) return;
    const work = this.#temporal.execute('pollStreams', '', ({ activities }) =>
      activities.pollStreams({ instance: instanceName, everySeconds: 10 }),
    );
    this.#track(work);
  }

  #retryQuarantine(): void {
    const input = { action: 'retry', direction: 'up', types: [], keys: [], reasons: [] } as const;
    this.#track(this.#temporal.execute('tendQuarantine', '', ({ activities }) => activities.tendQuarantine(input)));
  }

  #track(work: Promise<unknown>): void {
    this.#polls.add(work);
    void work.finally(() => this.#polls.delete(work));
  }

  async #settled(): Promise<void> {
    while (this.#polls.size > 0) await Promise.all([...this.#polls]);
    for (const stream of this.#streams) await stream.idle();
    await this.#temporal.orphansEnd();
    await this.#world.quiet();
  }

  /** No more harm; time goes on until nobody has anything to do. */
  async #comeToRest(): Promise<void> {
    this.#workload.end();
    this.#temporal.calm();
    this.#world.calm();
    for (const stream of this.#streams) stream.calm();
    const rest = (async () => {
      await this.#settled();
      for (let idle = 0; idle < 2 && this.#broken.length === 0;) {
        this.#workload.advance(this.#world.profile.settleMs + 1_100);
        this.#due = 0;
        this.#poll();
        await this.#settled();
        idle = this.#due === 0 ? idle + 1 : 0;
      }
    })();
    const secondsMax = this.#world.places.areFiles ? restSecondsMax.files : restSecondsMax.servers;
    const late = sleep(secondsMax * 1_000, 'late', { ref: false });
    if ((await Promise.race([rest, late])) === 'late') {
      const open = this.#streams.filter((stream) => stream.isOpen).map(({ key, state }) => `${key.type} ${state}`);
      const codes = this.#failures.slice(-5).map((failure) => String((failure as { type?: string }).type));
      this.#broken.push(
        `does not come to rest: ${open.join(', ')}; ${String(this.#temporal.orphans)} attempts; ${codes.join(' ')}`,
      );
      this.#over = true;
    }
  }

  result(): Omit<RunResult, 'seed' | 'ms'> {
    const hits = new Map<string, number>();
    const add = (prefix: string, more: ReadonlyMap<string, number>): void => {
      for (const [name, count] of more) hits.set(`${prefix}${name}`, (hits.get(`${prefix}${name}`) ?? 0) + count);
    };
    add('source: ', this.#world.schedules.instance.hits);
    add('target: ', this.#world.schedules.hub.hits);
    add('state: ', this.#world.schedules.state.hits);
    add('staging: ', this.#world.schedules.staging.hits);
    add('mishap: ', this.#mishapHits);
    add('process: ', this.#world.strikes.hits);
    add('temporal: ', this.#temporal.hits);
    add('workload: ', this.#workload.hits);
    return { broken: this.#broken, hits, batches: this.#batches, ended: this.#ended };
  }
}

/** A bucket's server in Python, on a machine that others use, answers in time. */
const withPatience = (profile: Profile): Profile => ({
  ...profile,
  limits: { ...profile.limits, requestTimeoutSeconds: 1 },
  weather: { ...profile.weather, timeoutMs: 1_000 },
});

/** Troubles that end by themselves where the stores come to harm. */
function toleratedIn({ state, staging, mishaps }: Stores): ReadonlySet<TroubleCode> {
  const codes: TroubleCode[] = [];
  const isFull = mishaps.some(({ what }) => what === 'disk full');
  if (isFull) codes.push('staging-full');
  if (isFull || state === 'postgres') codes.push('state-unavailable');
  if (staging === 's3') codes.push('staging-unavailable');
  return new Set(codes);
}
