import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';

import type { Database } from '../../src/state/database.ts';
import { forgetInLedger, readLedger, writeLedger } from '../../src/state/ledger.ts';
import {
  countParked,
  noteArrived,
  park,
  type ParkCandidate,
  parkedBy,
  readParked,
  releaseClaims,
  removeParked,
} from '../../src/state/parked.ts';
import { resolveReferences, type ResolveInput } from '../../src/state/resolve-references.ts';
import { closure } from '../../src/sync/closure.ts';
import { ModelStream, ModelTarget, type Op, Violation } from './model-commits.ts';
import { backends } from './backends.ts';

const states = await backends();

const candidate = (key: string, ...needs: string[]): ParkCandidate => ({
  key,
  needs,
  digest: `digest of ${key}`,
  bytes: 10,
  sealedContent: () => Buffer.from(`sealed ${key}`),
});

const resolve = (
  db: Database,
  batch: string,
  candidates: readonly ParkCandidate[],
  more: Partial<ResolveInput> = {},
): ReturnType<typeof resolveReferences> =>
  db.transaction().execute((tx) =>
    resolveReferences(tx, {
      direction: 'up',
      batch,
      candidates,
      superseded: [],
      outdates: [],
      nowMs: 1_000,
      parkedCountMax: 100,
      ...more,
    }),
  );

/** What a batch may commit: its own, the released, and how many were parked. */
async function outcome(result: ReturnType<typeof resolveReferences>): Promise<string> {
  const found = await result;
  if (typeof found === 'string') return found;
  const released = found.released.map(({ key }) => key).sort();
  return `${[...found.ready].sort().join(' ')} | ${released.join(' ')} | ${String(found.parked)}`;
}

/** What `finish` does with keys that the target has taken. */
async function arrive(db: Database, label: string, ...keys: string[]): Promise<number> {
  return db.transaction().execute(async (tx) => {
    await writeLedger(
      tx,
      'up',
      keys.map((key) => ({ key, digest: 'd', epoch: 1 })),
    );
    await removeParked(tx, 'up', keys);
    await releaseClaims(tx, label);
    return noteArrived(tx, 'up', keys);
  });
}

describe.each(states)('resolving references, on $name', ({ withState, withQuickState }) => {
  it('parks what nothing offers, with its sealed content, and releases it when that arrives', async () => {
    await withState(async (db) => {
      expect(await outcome(resolve(db, 'b1', [candidate('Obs/1', 'Enc/1', 'Pat/1'), candidate('Obs/2')]))).toBe(
        'Obs/2 |  | 1',
      );
      expect(await parkedBy(db, 'up', 'b1')).toEqual(['Obs/1']);
      expect(Buffer.from((await readParked(db, 'up', ['Obs/1'])).get('Obs/1')!).toString()).toBe('sealed Obs/1');
      expect(await outcome(resolve(db, 'b2', [candidate('Enc/1')]))).toBe('Enc/1 |  | 0');
      expect(await arrive(db, 'b2', 'Enc/1')).toBe(1);
      expect(await outcome(resolve(db, 'b3', [candidate('Pat/1')]))).toBe('Pat/1 | Obs/1 | 0');
      expect(await arrive(db, 'b3', 'Pat/1', 'Obs/1')).toBe(0);
      expect(await countParked(db, 'up')).toBe(0);
    });
  });

  it('closes a circle across types whose members come one after the other', async () => {
    await withState(async (db) => {
      expect(await outcome(resolve(db, 'c1', [candidate('Cond/1', 'Enc/1')]))).toBe(' |  | 1');
      expect(await outcome(resolve(db, 'o1', [candidate('Obs/1', 'Cond/1')]))).toBe(' |  | 1');
      expect(await outcome(resolve(db, 'e1', [candidate('Enc/1', 'Cond/1')]))).toBe('Enc/1 | Cond/1 Obs/1 | 0');
    });
  });

  it('does not let two streams that wait for each other both park and forget', async () => {
    for (let round = 0; round < 20; round++)
      await withQuickState(async (db) => {
        const both = await Promise.all([
          outcome(resolve(db, 'a', [candidate('A/1', 'B/1')])),
          outcome(resolve(db, 'b', [candidate('B/1', 'A/1')])),
        ]);
        expect(both.sort()).toEqual([' |  | 1', expect.stringMatching(/^(A\/1 \| B\/1|B\/1 \| A\/1) \| 0$/)]);
      });
  });

  it('replaces a parked state with the newer one, whatever becomes of that', async () => {
    await withState(async (db) => {
      await resolve(db, 'b1', [candidate('A/1', 'X/1'), candidate('A/2', 'X/1'), candidate('A/3', 'X/1')]);
      expect(
        await outcome(resolve(db, 'b2', [candidate('A/1', 'Y/1'), candidate('A/2')], { superseded: ['A/3'] })),
      ).toBe('A/2 |  | 1');
      expect(await outcome(resolve(db, 'x', [candidate('X/1')]))).toBe('X/1 |  | 0');
      expect(await outcome(resolve(db, 'y', [candidate('Y/1')]))).toBe('Y/1 | A/1 | 0');
    });
  });

  it('makes a newer state wait for another stream that is committing an older one', async () => {
    await withState(async (db) => {
      await resolve(db, 'a1', [candidate('A/1', 'X/1')]);
      expect(await outcome(resolve(db, 'x1', [candidate('X/1')]))).toBe('X/1 | A/1 | 0');
      expect(await outcome(resolve(db, 'a2', [candidate('A/1')]))).toBe('claimed');
      expect(await outcome(resolve(db, 'a2', [], { superseded: ['A/1'] }))).toBe('claimed');
      expect(await outcome(resolve(db, 'y1', [candidate('Y/1', 'A/1')]))).toBe(' |  | 1');
      expect(await arrive(db, 'x1', 'X/1', 'A/1')).toBe(1);
      expect(await outcome(resolve(db, 'a2', [candidate('A/1')]))).toBe('A/1 | Y/1 | 0');
    });
  });

  it('releases in a round of its own what has nothing left to wait for', async () => {
    await withState(async (db) => {
      await resolve(db, 'a1', [candidate('A/1', 'X/1'), candidate('A/2', 'A/1', 'X/1')]);
      await writeLedger(db, 'up', [{ key: 'X/1', digest: 'd', epoch: 1 }]);
      expect(await noteArrived(db, 'up', ['X/1'])).toBe(2);
      expect(await outcome(resolve(db, 'r1', []))).toBe(' | A/1 A/2 | 0');
      expect(await outcome(resolve(db, 'r2', []))).toBe(' |  | 0');
    });
  });

  it('releases a circle whose last target arrived while its members were parked', async () => {
    await withState(async (db) => {
      expect(await outcome(resolve(db, 'p1', [candidate('Pat/1')]))).toBe('Pat/1 |  | 0');
      expect(await outcome(resolve(db, 'e1', [candidate('Enc/1', 'Cond/1', 'Pat/1')]))).toBe(' |  | 1');
      expect(await outcome(resolve(db, 'c1', [candidate('Cond/1', 'Enc/1', 'Pat/1')]))).toBe(' |  | 1');
      expect(await outcome(resolve(db, 'o1', [candidate('Obs/1', 'Obs/1', 'Pat/1')]))).toBe(' |  | 1');
      expect(await arrive(db, 'p1', 'Pat/1')).toBe(3);
      expect(await outcome(resolve(db, 'p1-r1', []))).toBe(' | Cond/1 Enc/1 Obs/1 | 0');
    });
  });

  it('looks again only at what something has arrived for since', async () => {
    await withState(async (db) => {
      await resolve(db, 'a1', [candidate('A/1', 'X/1', 'Y/1')]);
      expect(await arrive(db, 'x1', 'X/1')).toBe(1);
      const flagged = async (): Promise<number> =>
        (await db.selectFrom('parked').select('key').where('free', '=', 1).execute()).length;
      expect(await flagged()).toBe(1);
      expect(await outcome(resolve(db, 'x1-r1', []))).toBe(' |  | 0');
      expect(await flagged()).toBe(0);
      expect(await arrive(db, 'y1', 'Y/1')).toBe(1);
      expect(await outcome(resolve(db, 'y1-r1', []))).toBe(' | A/1 | 0');
    });
  });

  it('keeps what the target refused from a newer state until the commit is noted', async () => {
    await withState(async (db) => {
      await resolve(db, 'a1', [candidate('A/1', 'X/1')]);
      expect(await outcome(resolve(db, 'x1', [candidate('X/1', 'Y/1')]))).toBe(' |  | 1');
      await writeLedger(db, 'up', [{ key: 'Y/1', digest: 'd', epoch: 1 }]);
      expect(await outcome(resolve(db, 'x2', [candidate('X/1', 'Y/1')]))).toBe('X/1 | A/1 | 0');
      // Y/1 is gone from the target: both are refused.
      for (const [key, need] of [
        ['X/1', 'Y/1'],
        ['A/1', 'X/1'],
      ] as const)
        await db
          .transaction()
          .execute((tx) => park(tx, { direction: 'up', batch: 'x2', nowMs: 2_000 }, [candidate(key, need)]));
      await forgetInLedger(db, 'up', ['Y/1']);
      expect(await outcome(resolve(db, 'a2', [candidate('A/1', 'Z/1')]))).toBe('claimed');
      expect((await parkedBy(db, 'up', 'x2')).sort()).toEqual(['A/1', 'X/1']);
      await arrive(db, 'x2');
      expect(await outcome(resolve(db, 'x2-r1', []))).toBe(' |  | 0');
      expect(await outcome(resolve(db, 'a2', [candidate('A/1', 'Z/1')]))).toBe(' |  | 1');
      expect(await countParked(db, 'up')).toBe(2);
    });
  });

  it('begins anew where an attempt of the same batch was given up', async () => {
    await withState(async (db) => {
      await resolve(db, 'a1', [candidate('A/1', 'X/1')]);
      for (let attempt = 0; attempt < 3; attempt++)
        expect(await outcome(resolve(db, 'x1', [candidate('X/1'), candidate('X/2', 'A/9')]))).toBe('X/1 | A/1 | 1');
      expect(await countParked(db, 'up')).toBe(2);
      expect(await countParked(db, 'up', 'X')).toBe(1);
    });
  });

  it('gives claimed resources back where the batch is given up', async () => {
    await withState(async (db) => {
      await resolve(db, 'a1', [candidate('A/1', 'X/1')]);
      await resolve(db, 'x1', [candidate('X/1')]);
      await releaseClaims(db, 'x1');
      expect(await outcome(resolve(db, 'x2', [candidate('X/1')]))).toBe('X/1 | A/1 | 0');
    });
  });

  it('takes what was deleted from the target for absent', async () => {
    await withState(async (db) => {
      await writeLedger(db, 'up', [{ key: 'X/1', digest: '', epoch: 1 }]);
      expect(await outcome(resolve(db, 'a1', [candidate('A/1', 'X/1')]))).toBe(' |  | 1');
    });
  });

  it('refuses to park beyond the bound, and parks nothing then', async () => {
    await withState(async (db) => {
      const two = [candidate('A/1', 'X/1'), candidate('A/2', 'X/1')];
      expect(await outcome(resolve(db, 'a1', two, { parkedCountMax: 1 }))).toBe('full');
      expect(await countParked(db, 'up')).toBe(0);
      expect(await outcome(resolve(db, 'a1', two, { parkedCountMax: 2 }))).toBe(' |  | 2');
    });
  });

  it('is apart for each direction', async () => {
    await withState(async (db) => {
      await resolve(db, 'a1', [candidate('A/1', 'X/1')]);
      expect(await outcome(resolve(db, 'x1', [candidate('X/1')], { direction: 'down' }))).toBe('X/1 |  | 0');
      expect(await countParked(db, 'down')).toBe(0);
    });
  });

  it('takes thousands at once', async () => {
    await withQuickState(async (db) => {
      const many = Array.from({ length: 2_000 }, (_, index) =>
        candidate(`A/${String(index)}`, `X/${String(index % 700)}`),
      );
      expect(await outcome(resolve(db, 'a1', many, { parkedCountMax: 2_000 }))).toBe(' |  | 2000');
      const targets = Array.from({ length: 700 }, (_, index) => candidate(`X/${String(index)}`));
      const found = await resolve(db, 'x1', targets);
      expect(typeof found === 'string' ? found : found.released.length).toBe(2_000);
    });
  });
});

const types = ['A', 'B', 'C'];
const keys = types.flatMap((type) => [1, 2, 3].map((id) => `${type}/${String(id)}`));

interface Run {
  readonly batches: readonly (readonly { key: string; needs: readonly string[]; deletes: boolean }[])[];
  readonly choices: readonly number[];
}

const runs: fc.Arbitrary<Run> = fc.record({
  batches: fc.array(
    fc.constantFrom(...types).chain((type) =>
      fc.uniqueArray(
        fc.record({
          key: fc.constantFrom(...keys.filter((key) => key.startsWith(type))),
          needs: fc.uniqueArray(fc.constantFrom(...keys, ...keys, 'Z/never'), { maxLength: 2 }),
          deletes: fc.nat(4).map((n) => n === 0),
        }),
        { minLength: 1, maxLength: 3, selector: ({ key }) => key },
      ),
    ),
    { minLength: 2, maxLength: 8 },
  ),
  choices: fc.array(fc.nat(999), { minLength: 20, maxLength: 60 }),
});

interface Rest {
  readonly target: ModelTarget;
  readonly finals: ReadonlyMap<string, Op>;
  readonly parked: ReadonlyMap<string, Op>;
  readonly claims: number;
}

/** Runs streams of all types to rest, interleaved by the choices, and reads what is there then. */
async function runToRest(db: Database, run: Run, withDeletes: boolean): Promise<Rest> {
  let version = 0;
  const finals = new Map<string, Op>();
  const batchesOf = new Map<string, Op[][]>(types.map((type) => [type, []]));
  for (const batch of run.batches) {
    const ops = batch.map(({ key, needs, deletes }): Op => {
      const op = { key, version: (version += 1), needs: deletes && withDeletes ? undefined : needs };
      finals.set(key, op);
      return op;
    });
    batchesOf.get(ops[0]!.key.slice(0, 1))!.push(ops);
  }
  const target = new ModelTarget();
  const streams = types.map((type) => new ModelStream(db, target, type, batchesOf.get(type)!));
  let idle = 0;
  for (let turn = 0; streams.some((stream) => !stream.done); turn++) {
    const open = streams.filter((stream) => !stream.done);
    const choice = run.choices[turn] ?? turn;
    const luck = turn < run.choices.length ? Math.floor(choice / 10) % 10 : 0;
    const moved = await open[choice % open.length]!.step(luck === 8 ? 'crash' : luck === 9 ? 'give-up' : 'none');
    idle = moved ? 0 : idle + 1;
    if (idle > 50) throw new Violation('streams wait for each other for good');
    if (turn > 5_000) throw new Violation('does not come to an end');
  }
  // A release that was given up is made good by the next commit, of whatever stream.
  const last = new ModelStream(db, target, 'D', [[{ key: 'D/1', version: (version += 1), needs: [] }]]);
  while (!last.done) await last.step('none');
  const contents = await readParked(db, 'up', keys);
  const parked = new Map(
    [...contents].map(([key, content]) => [key, JSON.parse(Buffer.from(content).toString()) as Op]),
  );
  const claimed = await db.selectFrom('parked').select('key').where('claim', '!=', '').execute();
  return { target, finals, parked, claims: claimed.length };
}

/** Everything is either in the target in its last state or parked in it, and nobody holds a claim. */
function expectNothingForgotten({ target, finals, parked, claims }: Rest): void {
  expect(claims).toBe(0);
  for (const [key, op] of finals) {
    const held = target.held.get(key)?.version;
    const last = op.needs === undefined ? held === undefined : held === op.version;
    expect({ key, last, parked: parked.get(key)?.version }).toEqual({
      key,
      last,
      parked: last ? undefined : op.version,
    });
  }
}

/** What is parked waits for something: of the references that it has, or of those that the state has noted. */
async function expectNothingOverlooked(db: Database, { target, parked }: Rest): Promise<void> {
  const waiting = [...parked.values()].map(({ key, needs }) => ({ key, needs: needs ?? [] }));
  if (target.refusals === 0) {
    expect([...closure(waiting, (key) => target.held.has(key)).ready]).toEqual([]);
    return;
  }
  // A set that was refused waits as a whole for what one of it refers to.
  const noted = Map.groupBy(await db.selectFrom('parked_needs').selectAll().execute(), ({ key }) => key);
  const recorded = waiting.map(({ key }) => ({ key, needs: (noted.get(key) ?? []).map(({ need }) => need) }));
  const ledger = await readLedger(db, 'up', [...keys, 'Z/never']);
  expect([...closure(recorded, (key) => (ledger.get(key)?.digest ?? '') !== '').ready]).toEqual([]);
}

describe.each(states)('streams that park and release side by side, on $name', ({ withQuickState, share }) => {
  it('write whatever is closed, forget nothing, and never show the target a dangling reference', async () => {
    await fc.assert(
      fc.asyncProperty(runs, (run) =>
        withQuickState(async (db) => {
          const rest = await runToRest(db, run, false);
          expect(rest.target.refusals).toBe(0);
          expectNothingForgotten(rest);
          await expectNothingOverlooked(db, rest);
        }),
      ),
      { numRuns: 100 * share },
    );
  });

  it('forget nothing either where what is referred to is deleted meanwhile', async () => {
    await fc.assert(
      fc.asyncProperty(runs, (run) =>
        withQuickState(async (db) => {
          const rest = await runToRest(db, run, true);
          expectNothingForgotten(rest);
          await expectNothingOverlooked(db, rest);
        }),
      ),
      { numRuns: 100 * share },
    );
  });
});
