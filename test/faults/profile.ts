/** What kind of run a seed is: how the doubles answer, how much goes wrong, how large everything may be. */
import type { EmulatorOptions } from '../../src/emulator/emulator.ts';
import { type LimitName, limitDefaults, type Limits } from '../../src/limits.ts';
import type { Flaw } from './data.ts';
import { drawStrikes, type Strike } from './gate.ts';
import type { Dice } from './random.ts';
import type { Weather } from './schedule.ts';

export interface Profile {
  readonly instance: EmulatorOptions;
  readonly hub: EmulatorOptions;
  readonly limits: Limits;
  readonly weather: Weather;
  readonly strikes: readonly Strike[];
  /** Share of the attempts that Temporal gives up, repeats or cancels. */
  readonly attemptShare: number;
  readonly upTypes: readonly string[];
  /** Whether organizations come down from the hub. */
  readonly down: boolean;
  /** What may be wrong with a resource. */
  readonly flaws: readonly Flaw[];
  /** Steps of the workload, and ids of each type. */
  readonly steps: number;
  readonly ids: number;
  /** Longest transaction at the source, by the run's clock. */
  readonly settleMs: number;
}

const timeoutMs = 250;

/** The profile that a seed has. */
export function drawProfile(dice: Dice): Profile {
  const doubles = dice.of('doubles');
  const sizes = dice.of('sizes');
  const harm = dice.of('harm');
  const level = harm.weighted({ calm: 1, breeze: 3, storm: 4 });
  const share = { calm: 0, breeze: 0.04, storm: 0.15 }[level];
  const settleMs = sizes.pick([1_000, 2_000, 5_000]);
  return {
    instance: drawSource(doubles),
    hub: { ...drawSource(doubles), ...drawTarget(doubles) },
    limits: drawLimits(sizes, settleMs),
    weather: { share, stormShare: share / 8, slowMax: harm.between(0, 5), timeoutMs },
    strikes: drawStrikes(harm, harm.pick([0, 1, 2, 4])),
    attemptShare: harm.pick([0, 0.05, 0.2]),
    upTypes: sizes.pick([
      ['Patient', 'Encounter', 'Condition', 'Observation'],
      ['Patient', 'Encounter', 'Condition'],
      ['Patient', 'Observation'],
    ]),
    down: sizes.chance(0.4),
    flaws: ['poison', 'withheld', 'large'],
    steps: sizes.between(30, 110),
    ids: sizes.pick([4, 8, 20]),
    settleMs,
  };
}

const drawSource = (dice: Dice): EmulatorOptions => ({
  seed: dice.between(1, 1_000_000),
  createdAtUrl: '',
  changesOrder: dice.pick(['ascending', 'descending', 'shuffled']),
  changesPageSize: dice.pick([0, 0, 7]),
  hiBeyondNewest: dice.pick(['as-asked', 'newest']),
  emptyRange: dice.pick(['empty', 'not-modified']),
  metaInChanges: dice.chance(0.85),
  recreatedEvent: dice.pick(['created', 'updated']),
  deletedRow: dice.pick(['whole', 'id-only']),
  txidPer: dice.pick(['entry', 'transaction']),
});

const drawTarget = (dice: Dice): EmulatorOptions => ({
  entryIfMatch: dice.pick(['obeyed', 'ignored']),
  entryEtag: dice.pick(['bare', 'weak']),
  forwardReferences: dice.chance(0.3),
  culpritInOutcome: dice.chance(0.3),
  unchangedPut: dice.pick(['new-version', 'same-version']),
  deleteIntegrity: dice.chance(0.15),
  lateCommits: dice.chance(0.3) ? { share: 0.3, maxDelayMs: 15 } : null,
});

function drawLimits(dice: Dice, settleMs: number): Limits {
  const own: Partial<Record<LimitName, number>> = {
    longestTransactionSeconds: settleMs / 1_000,
    clockDriftSeconds: 0,
    pageRowsMax: dice.pick([5, 20, 1_000]),
    batchRowsMax: dice.pick([8, 20, 100]),
    overlapRowsMax: dice.pick([0, 10, 2_000]),
    bundleEntriesMax: dice.pick([3, 8, 500]),
    bundlesInFlightMax: dice.pick([1, 2, 4]),
    resourceBytesMax: 2_048,
    requestTimeoutSeconds: timeoutMs / 1_000,
    quarantineCountMin: 1_000,
    workerThreadsMax: 1,
  };
  return { ...limitDefaults, ...own };
}
