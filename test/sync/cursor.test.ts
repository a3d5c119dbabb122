import { describe, expect, it } from '@jest/globals';

import { compareCursor, type Cursor, cursorId, cursorOf, type SiteNotes } from '../../src/sync/cursor.ts';
import { isTroubleCode } from '../../src/sync/trouble.ts';

const cursor = (epoch: number, sequence: number, policy = 'p1'): Cursor => ({ epoch, sequence, batch: 'b9', policy });
const site = (epoch: number, sequence: number, policy = 'p1'): SiteNotes => ({ epoch, sequence, policy });
const trouble = (code: string) => ({ kind: 'trouble', code });
const agree = { kind: 'agree' };
const fresh = site(1, 0, '');

describe("the target's cursor against the site's notes", () => {
  const rows: [string, Cursor | undefined, SiteNotes, string, object][] = [
    ['same epoch and sequence: go on', cursor(1, 7), site(1, 7), 'p1', agree],
    ['nothing on either side: a first load', undefined, fresh, 'p1', agree],
    ['one ahead: a commit that was not noted', cursor(1, 8), site(1, 7), 'p1', { kind: 'commit-unnoted', batch: 'b9' }],
    ['one ahead of a fresh state: too', cursor(1, 1), fresh, 'p1', { kind: 'commit-unnoted', batch: 'b9' }],
    ['behind: the target was restored', cursor(1, 6), site(1, 7), 'p1', trouble('target-restored')],
    ['gone: the target was restored', undefined, site(1, 7), 'p1', trouble('target-restored')],
    [
      'of an older epoch, after commits in this one: restored',
      cursor(1, 9),
      site(2, 3),
      'p1',
      trouble('target-restored'),
    ],
    ['of an older epoch, right after a resync: go on', cursor(1, 9), site(2, 0, ''), 'p2', agree],
    ['far ahead: the state was lost', cursor(1, 9), site(1, 7), 'p1', trouble('state-lost')],
    ['far ahead of an empty state: lost', cursor(1, 2), fresh, 'p1', trouble('state-lost')],
    ['of a newer epoch: the state was lost', cursor(2, 1), site(1, 7), 'p1', trouble('state-lost')],
    ['other policy than that of the last commit', cursor(1, 7), site(1, 7), 'p2', trouble('policy-changed')],
    ['other policy before the first commit: nothing follows it yet', undefined, fresh, 'p2', agree],
    ['a stream without policy', cursor(1, 7, ''), site(1, 7, ''), '', agree],
  ];
  it.each(rows)('%s', (_, there, here, policy, verdict) => {
    expect(compareCursor(there, here, policy)).toEqual(verdict);
  });

  it('agrees only where both tell the same story, whatever the numbers', () => {
    for (let epoch = 1; epoch < 4; epoch++)
      for (let sequence = 0; sequence < 4; sequence++)
        for (let ours = 0; ours < 4; ours++) {
          const verdict = compareCursor(cursor(epoch, sequence), site(2, ours, ours === 0 ? '' : 'p1'), 'p1');
          const same = (epoch === 2 && sequence === ours) || (epoch < 2 && ours === 0);
          expect(verdict.kind === 'agree').toBe(same);
          expect(verdict.kind === 'commit-unnoted').toBe(epoch === 2 && sequence === ours + 1);
          if (verdict.kind === 'trouble') expect(isTroubleCode(verdict.code)).toBe(true);
        }
  });
});

describe('a ChangesInfo resource', () => {
  const resource = { resourceType: 'ChangesInfo', kind: 'cursor', epoch: 1, sequence: 2, batch: 'b', policy: 'p' };

  it('is a cursor where this program wrote it', () => {
    expect(cursorOf(resource)).toEqual({ epoch: 1, sequence: 2, batch: 'b', policy: 'p' });
    expect(cursorOf({ ...resource, policy: null })).toEqual({ epoch: 1, sequence: 2, batch: 'b', policy: '' });
  });

  it('is none where it is absent or something else', () => {
    expect(cursorOf(undefined)).toBeUndefined();
    expect(cursorOf({ ...resource, epoch: '1' })).toBeUndefined();
    expect(cursorOf({ ...resource, sequence: null })).toBeUndefined();
    expect(cursorOf({ ...resource, batch: 7 })).toBeUndefined();
    expect(cursorOf({ resourceType: 'ChangesInfo', id: 'x', version: 12 })).toBeUndefined();
  });

  it('has an id that a server takes, also for the longest names', () => {
    const id = cursorId('a'.repeat(20), 'down', 'MedicinalProductUndesirableEffect');
    expect(id).toMatch(/^[A-Za-z0-9\-.]{1,64}$/);
    expect(cursorId('site-a', 'up', 'Patient')).toBe('site-a.up.Patient');
  });
});
