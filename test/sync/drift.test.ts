import { describe, expect, it } from '@jest/globals';

import { driftKinds, driftOf, found, isAlike, type Present, rangeOf, type Sight } from '../../src/sync/drift.ts';

const alike: Sight = { digest: 'd', version: '7', listed: '7', found: 'd' };
const presentOf = ({ digest, version }: Sight, more: Partial<Present> = {}): Present => ({
  digest,
  version,
  isParked: false,
  quarantined: '',
  wanted: 'no',
  ...more,
});
const judged = (sight: Partial<Sight>, more: Partial<Present> = {}): string | undefined => {
  const whole = { ...alike, ...sight };
  return driftOf(whole, presentOf(whole, more));
};
const unknown = { digest: '', version: '' };

describe('a resource', () => {
  it.each<[string, Partial<Sight>, string | undefined]>([
    ['that is the same everywhere', {}, undefined],
    ['whose version nobody noted', { version: '' }, undefined],
    ['whose version the target does not tell', { listed: '' }, undefined],
    ['with another output by now', { found: 'e' }, 'changed'],
    ['that may not pass any more', { found: found.withheld }, 'changed'],
    ['that cannot be output any more', { found: found.refused }, 'changed'],
    ['that the source has no more', { found: found.nothing }, 'purged'],
    ['that neither has', { found: found.nothing, listed: null }, 'purged'],
    ['that the target has no more', { listed: null }, 'missing-in-target'],
    ['in another version', { listed: '8' }, 'edited-in-target'],
    ['in another version and with another output', { listed: '8', found: 'e' }, 'edited-in-target'],
    ['that was never written', { ...unknown, listed: null }, 'missing'],
    ['that was never written, and is there', unknown, 'missing'],
    ['that cannot be output, and was never', { ...unknown, listed: null, found: found.refused }, 'missing'],
    ['that may not pass, and never did', { ...unknown, listed: null, found: found.withheld }, undefined],
    ['that may not pass, and is there', { ...unknown, found: found.withheld }, 'unknown-in-target'],
    ['that only the target knows', { ...unknown, found: found.nothing }, 'unknown-in-target'],
    ['that nobody knows', { ...unknown, listed: null, found: found.nothing }, undefined],
  ])('%s', (_which, sight, kind) => {
    expect(judged(sight)).toBe(kind);
    if (kind !== undefined) expect(driftKinds).toContain(kind);
    // What is dropped without another look has nothing to tell.
    if (isAlike({ ...alike, ...sight })) expect(kind).toBeUndefined();
  });

  it('that was written since says nothing', () => {
    expect(driftOf({ ...alike, found: 'e' }, presentOf({ ...alike, digest: 'e' }))).toBe('moving');
    expect(driftOf({ ...alike, listed: '8' }, presentOf({ ...alike, version: '8' }))).toBe('moving');
    expect(driftOf({ ...alike, ...unknown }, presentOf(alike))).toBe('moving');
  });

  it('that is parked, in quarantine or asked for is explained', () => {
    for (const sight of [{ found: 'e' }, { ...unknown, listed: null }, { listed: null }]) {
      expect(judged(sight, { isParked: true })).toBeUndefined();
      expect(judged(sight, { quarantined: 'target-refused' })).toBeUndefined();
      expect(judged(sight, { wanted: 'pending' })).toBeUndefined();
      expect(judged(sight, { wanted: 'done' })).toBeDefined();
    }
    expect(judged({ ...unknown, listed: null, found: found.refused }, { wanted: 'done' })).toBeUndefined();
  });

  it('that is purged is so whatever stands in quarantine of it, but for its own delete', () => {
    expect(judged({ found: found.nothing }, { quarantined: 'target-refused' })).toBe('purged');
    expect(judged({ found: found.nothing }, { quarantined: 'still-referenced' })).toBeUndefined();
  });

  it('whose version is to be noted is looked at again', () => {
    expect(isAlike({ ...alike, version: '' })).toBe(false);
    expect(isAlike({ ...alike, version: '', listed: '' })).toBe(true);
    expect(isAlike(alike)).toBe(true);
  });
});

describe('a range', () => {
  it('is the first character of an id, without the version of a pseudonym’s key', () => {
    expect(
      ['Patient/p1-abc', 'Patient/p12-7bc', 'Organization/Xyz', 'Organization/-x', 'Organization/p-1'].map(rangeOf),
    ).toEqual(['a', '7', 'x', '*', 'p']);
  });
});
