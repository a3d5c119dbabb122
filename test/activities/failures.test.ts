import { describe, expect, it } from '@jest/globals';

import { failureOf, TroubleError } from '../../src/activities/failures.ts';
import { type TroubleCode, troubles } from '../../src/sync/trouble.ts';

describe('a failure that leaves an activity', () => {
  it.each(Object.keys(troubles) as TroubleCode[])(
    'is left to Temporal to retry only where %s goes away by itself',
    (code) => {
      const failure = failureOf(new TroubleError(code), 'commit');
      expect(failure.type).toBe(code);
      expect(failure.nonRetryable).toBe(troubles[code].kind !== 'transient');
      expect(failure.message).toBe(`commit: ${troubles[code].means}`);
    },
  );

  it('tells of an unforeseen error the places in the code, and nothing that its message quotes', () => {
    const failure = failureOf(new Error('Nora Quill, born 1950-01-02'), 'commit');
    expect(failure.type).toBe('unexpected');
    expect(JSON.stringify(failure)).not.toContain('Quill');
    expect(failure.stack).not.toContain('Quill');
    expect(JSON.stringify(failure.details)).toContain('failures.test.ts');
  });

  it('waits as long as the server asked for, but no longer than an hour', () => {
    expect(failureOf(new TroubleError('source-busy', 7), 'commit').nextRetryDelay).toBe(7_000);
    expect(failureOf(new TroubleError('source-busy', 90_000), 'commit').nextRetryDelay).toBe(3_600_000);
  });
});
