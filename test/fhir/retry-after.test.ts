import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';

import { retryAfterSeconds } from '../../src/fhir/transport.ts';

const nowMs = Date.parse('2026-03-01T12:00:00Z');

describe('Retry-After', () => {
  it('is a number of seconds', () => {
    expect(retryAfterSeconds('120', nowMs)).toBe(120);
    expect(retryAfterSeconds(' 0 ', nowMs)).toBe(0);
  });

  it('is a date, counted from now, and a date gone by asks for nothing', () => {
    expect(retryAfterSeconds('Sun, 01 Mar 2026 12:01:30 GMT', nowMs)).toBe(90);
    expect(retryAfterSeconds('Sun, 01 Mar 2026 12:00:01 GMT', nowMs + 1)).toBe(1);
    expect(retryAfterSeconds('Sun, 01 Mar 2026 11:00:00 GMT', nowMs)).toBe(0);
  });

  it.each(['', 'soon', '-5', '1.5', '1e9', '0x10', '12345678901', '2026-03-01T12:01:30Z', 'Xyz, nonsense', 'NaN'])(
    'says nothing where it is %j',
    (garbage) => {
      expect(retryAfterSeconds(garbage, nowMs)).toBeUndefined();
    },
  );

  it('says nothing where it is absent', () => {
    expect(retryAfterSeconds(undefined, nowMs)).toBeUndefined();
  });

  it('is a whole number of seconds, not below 0, or nothing, whatever the header', () => {
    fc.assert(
      fc.property(fc.string(), (header) => {
        const seconds = retryAfterSeconds(header, nowMs);
        expect(seconds === undefined || (Number.isSafeInteger(seconds) && seconds >= 0)).toBe(true);
      }),
    );
  });

  it('reads every date that a server can write', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 10_000_000 }), (seconds) => {
        expect(retryAfterSeconds(new Date(nowMs + seconds * 1_000).toUTCString(), nowMs)).toBe(seconds);
      }),
    );
  });
});
