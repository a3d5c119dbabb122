import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';

import { Rate } from '../../src/fhir/rate.ts';

/** When requests begin that all want to at once, from `nowMs` on. */
function startsOf(rate: Rate, perSecond: number, count: number, nowMs = 0): number[] {
  return Array.from({ length: count }, () => {
    nowMs += rate.waitMs(perSecond, nowMs);
    rate.note(nowMs);
    return nowMs;
  });
}

const mostWithin = (startsMs: readonly number[], windowMs: number): number =>
  Math.max(...startsMs.map((from) => startsMs.filter((ms) => ms >= from && ms < from + windowMs).length));

describe('the requests of a second', () => {
  it('begin at once up to the limit, and the next ones when the first are a second old', () => {
    expect(startsOf(new Rate(), 3, 7)).toEqual([0, 0, 0, 1_000, 1_000, 1_000, 2_000]);
  });

  it('are never more than the limit, in whichever second they are counted, and no fewer than it allows', () => {
    const pauses = fc.array(fc.integer({ min: 0, max: 700 }), { minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 8 }), pauses, (perSecond, pausesMs) => {
        const rate = new Rate();
        const starts: number[] = [];
        let nowMs = 0;
        for (const pauseMs of pausesMs) {
          nowMs += pauseMs;
          const waitMs = rate.waitMs(perSecond, nowMs);
          // Nobody waits who need not.
          if (waitMs > 0) expect(starts.filter((ms) => ms > nowMs - 1_000)).toHaveLength(perSecond);
          nowMs += waitMs;
          rate.note(nowMs);
          starts.push(nowMs);
        }
        expect(mostWithin(starts, 1_000)).toBeLessThanOrEqual(perSecond);
      }),
    );
  });

  it('are one in several seconds for a worker whose share is less than one', () => {
    expect(startsOf(new Rate(), 0.25, 3)).toEqual([0, 4_000, 8_000]);
  });

  it('are whole ones: what is left over of a share is nobody’s', () => {
    expect(mostWithin(startsOf(new Rate(), 10 / 3, 30), 1_000)).toBe(3);
  });

  it('follow a share that becomes smaller or larger', () => {
    const rate = new Rate();
    expect(startsOf(rate, 4, 4)).toEqual([0, 0, 0, 0]);
    expect(rate.waitMs(2, 500)).toBe(500);
    expect(rate.waitMs(8, 500)).toBe(0);
  });

  it('do not wait for the time that a clock that was put back has seen already', () => {
    const rate = new Rate();
    startsOf(rate, 1, 1, 3_600_000);
    expect(rate.waitMs(1, 0)).toBe(0);
  });

  it('are counted right among very many', () => {
    const rate = new Rate();
    for (let ms = 0; ms < 50_000; ms++) rate.note(ms);
    expect(rate.waitMs(1_000, 49_999)).toBe(1);
    expect(rate.waitMs(1_001, 49_999)).toBe(0);
  });
});
