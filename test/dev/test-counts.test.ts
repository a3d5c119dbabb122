import { describe, expect, it } from '@jest/globals';
import { addCounts, countJest, countsLine } from '../../dev/test-counts.ts';

const report = {
  numPassedTests: 3,
  numFailedTests: 0,
  numPendingTests: 0,
  numTodoTests: 0,
  numRuntimeErrorTestSuites: 0,
};

describe('the counts of a test run', () => {
  it('are those of the report when all is well', () => {
    expect(countJest(report, 0)).toEqual({ passed: 3, failed: 0, skipped: 0 });
  });

  it('count a suite that did not load as a failure', () => {
    expect(countJest({ ...report, numRuntimeErrorTestSuites: 2 }, 1)).toEqual({ passed: 3, failed: 2, skipped: 0 });
  });

  it('are a failure without a report, without a passed test, or with an exit code that nothing explains', () => {
    expect(countJest(undefined, null).failed).toBe(1);
    expect(countJest({ ...report, numPassedTests: 0 }, 0).failed).toBe(1);
    expect(countJest(report, 1).failed).toBe(1);
    expect(countJest(report, null).failed).toBe(1); // killed by a signal
  });

  it('count pending and todo tests as skipped, and say so only then', () => {
    const counts = countJest({ ...report, numPendingTests: 1, numTodoTests: 1 }, 0);
    expect(countsLine(counts)).toBe('3 passed, 0 failed, 2 skipped');
    expect(countsLine(addCounts(countJest(report, 0), countJest(report, 0)))).toBe('6 passed, 0 failed');
  });
});
