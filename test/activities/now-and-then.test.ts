import { expect, it } from '@jest/globals';

import { nowAndThen } from '../../src/activities/now-and-then.ts';

it('comes again after its time, and after a clock was put back, but not before', () => {
  const isTime = nowAndThen(600_000);
  const clock = { ms: 1_000_000_000 };
  const parts = { now: () => clock.ms };
  const turns = [0, 599_999, 600_000, 600_001, -3_600_000, -3_000_001, -3_000_000].map((ms) => {
    clock.ms = 1_000_000_000 + ms;
    return isTime(parts);
  });
  expect(turns).toEqual([true, false, true, false, true, false, true]);
});
