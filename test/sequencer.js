/**
 * The order of suites: first those that wait for real processes, for a minute and more, so that none of them is left over at
 * the end with one core idle. Jest alone does that where it knows the times of an earlier run, and goes by size where not.
 */
import { relative } from 'node:path';

import Sequencer from '@jest/test-sequencer';

/** In this order; others as Jest has them. */
const first = ['test/e2e/kill.test.ts', 'test/e2e/', 'test/faults/', 'test/cli/', 'test/client/', 'test/deid/check/'];

export default class extends Sequencer {
  sort(tests) {
    const rank = ({ path }) => {
      const found = first.findIndex((prefix) => relative(process.cwd(), path).startsWith(prefix));
      return found === -1 ? first.length : found;
    };
    return super.sort(tests).toSorted((a, b) => rank(a) - rank(b));
  }
}
