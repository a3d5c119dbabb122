/**
 * Fixed seeds of the fault harness: each is a site that is driven through faults of its own and then held against the
 * truth. `npm run soak` does the same on fresh seeds; docs/reliability.md says what is tried and what was found.
 */
import { afterAll, expect, it } from '@jest/globals';

import { createThreadPool } from '../../src/threads/pool.ts';
import { runSeed } from './run.ts';

const pool = createThreadPool(1);
afterAll(() => pool.close());

const seeds = Array.from({ length: 25 }, (_, index) => 1_001 + index);

it.each(seeds)(
  'seed %i: nothing lost, nothing twice, nothing older, nothing outside',
  async (seed) => {
    expect((await runSeed(seed, { pool })).broken).toEqual([]);
  },
  60_000,
);
