/** What the command prints about streams. */
import { describe, expect, it } from '@jest/globals';

import { needsAttention, needsText, streamTable, table } from '../../src/cli/table.ts';
import type { StreamStatus } from '../../src/client.ts';

const stream = (more: Partial<StreamStatus>): StreamStatus => ({
  instance: 'north',
  direction: 'up',
  type: 'Patient',
  state: 'current',
  paused: false,
  ...more,
});

describe('a table', () => {
  it('aligns words to the left and numbers to the right', () => {
    expect(
      table(
        ['type', 'n'],
        [
          ['Patient', 5],
          ['A', 1234],
        ],
      ),
    ).toBe('type        n\n───────  ────\nPatient     5\nA        1234');
  });

  it('of streams has a dash for what is not known', () => {
    expect(streamTable([stream({})]).split('\n')[2]).toMatch(/^north +up +Patient( +–){6} +current$/);
  });
});

describe('what a person has to do', () => {
  it('is said once for each cause, with all types it is about', () => {
    const need = { code: 'target-forbidden', means: 'No.', cure: 'Mend it.' } as const;
    const text = needsText([
      stream({ state: 'blocked', need }),
      stream({ type: 'Encounter', state: 'blocked', need }),
      stream({ type: 'Location', state: 'denied', reason: 'disabled' }),
      stream({ type: 'Device', state: 'unanswered' }),
      stream({ type: 'Claim' }),
    ]);
    expect(text.split('\n')).toEqual([
      'Patient, Encounter: No. Mend it. (target-forbidden)',
      'Location: denied: disabled. The hub’s AidboxInstance is not enabled. Have it enabled there.',
      'Device: no worker of north answers. Is `sluice worker` running there?',
    ]);
  });

  it('is to repair what source and target differ in, unless that was ordered', () => {
    const reconciled = { atMs: Date.UTC(2026, 0, 5, 8, 30), differing: 3, repair: false };
    expect(needsText([stream({ reconciled })])).toBe(
      'Patient: 3 differ between source and target (2026-01-05 08:30 UTC). `sluice reconcile Patient --repair` mends them.',
    );
    expect(needsText([stream({ reconciled: { ...reconciled, repair: true } })])).toBe('');
    expect(needsText([stream({ reconciled: { ...reconciled, differing: 0 } })])).toBe('');
  });

  it('is something wherever a stream cannot go on by itself, or quarantined', () => {
    const states = ['denied', 'blocked', 'paused', 'failed', 'terminated', 'unanswered'] as const;
    for (const state of states) expect(needsAttention(stream({ state }))).toBe(true);
    for (const state of ['current', 'idle', 'committing'] as const)
      expect(needsAttention(stream({ state }))).toBe(false);
  });
});
