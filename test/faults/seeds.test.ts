/**
 * Fixed seeds of the fault harness: each is a site that is driven through faults of its own and then held against the
 * truth. `npm run soak` does the same on fresh seeds; docs/reliability.md says what is tried and what was found.
 */
import { afterAll, describe, expect, it } from '@jest/globals';

import { createThreadPool } from '../../src/threads/pool.ts';
import { runSeed } from './run.ts';
import { type Mishap, type Stores, StoreServers } from './stores.ts';

const pool = createThreadPool(1);
const servers = await StoreServers.start();
afterAll(async () => {
  await pool.close();
  await servers.stop();
});

const inARow = (from: number, count: number): number[] => Array.from({ length: count }, (_, index) => from + index);

describe('a worker with a state file and a staging folder', () => {
  it.each(inARow(1_001, 25))(
    'seed %i: nothing lost, nothing twice, nothing older, nothing outside',
    async (seed) => {
      expect((await runSeed(seed, { pool })).broken).toEqual([]);
    },
    60_000,
  );

  const mishap = (at: number, what: Mishap['what'], hours = 0): Mishap => ({ at, what, hours, seats: [0] });
  const mishaps: readonly Mishap[] = [
    mishap(0.1, 'clock jump', 9),
    mishap(0.2, 'disk full'),
    mishap(0.4, 'disk free'),
    mishap(0.5, 'clock jump', -7),
    mishap(0.7, 'disk full'),
    mishap(0.75, 'disk free'),
    mishap(0.9, 'clock jump', 2),
  ];

  // Of those that lost something while a worker's clock said what has settled.
  it.each([2, 3, 12, 57])(
    'seed %i: the same with a disk that is full for a while, and a clock that jumps by hours',
    async (seed) => {
      const changeStores = (stores: Stores): Stores => ({ ...stores, mishaps });
      const { broken, hits } = await runSeed(seed, { pool, changeStores });
      expect(broken).toEqual([]);
      expect([hits.get('mishap: disk full'), hits.get('mishap: clock jump')]).toEqual([2, 3]);
    },
    120_000,
  );
});

(servers.areComplete ? describe : describe.skip)('two workers with a PostgreSQL and a bucket', () => {
  it.each(inARow(2_001, 6))(
    'seed %i: nothing lost, nothing twice, nothing older, nothing outside',
    async (seed) => {
      expect((await runSeed(seed, { pool, servers, kind: 'postgres' })).broken).toEqual([]);
    },
    400_000,
  );

  it.each([2_039])(
    'seed %i: the same with the stores that it draws',
    async (seed) => {
      expect((await runSeed(seed, { pool, servers, kind: 'mixed' })).broken).toEqual([]);
    },
    400_000,
  );
});
