/** The runbook beside a workflow in Temporal's UI. */
import { describe, expect, it } from '@jest/globals';

import { detailsOf } from '../../src/workflows/face.ts';
import type { SyncStatus } from '../../src/workflows/messages.ts';

const status: SyncStatus = {
  instance: 'north',
  direction: 'up',
  type: 'Patient',
  state: 'committing',
  since: '2026-01-02T03:04:05.000Z',
  paused: false,
};

describe('the details', () => {
  it('say state and batch', () => {
    expect(detailsOf({ ...status, batch: { lo: 120, hi: 342, changes: 222, deleted: 3 } })).toBe(
      [
        '**Patient** up · **committing** since 2026-01-02T03:04:05.000Z',
        '',
        'Batch 120→342: 222 changes, 3 deleted.',
      ].join('\n'),
    );
  });

  it('say what a person has to do', () => {
    const need = { code: 'staging-full', means: 'Staging is full.', cure: 'Make room.' } as const;
    expect(detailsOf({ ...status, state: 'blocked', need })).toBe(
      [
        '**Patient** up · **blocked** since 2026-01-02T03:04:05.000Z',
        '',
        '> Staging is full.',
        '>',
        '> **To do:** Make room. (`staging-full`)',
      ].join('\n'),
    );
  });

  it('say what came of an order to resync, and what was counted', () => {
    const found = { policy: 'sha256:0', source: 12, target: 900 };
    const need = { code: 'fewer-at-source', means: 'The source has few.', cure: 'Look at it.' } as const;
    const at = '2026-01-02T03:00:00.000Z';
    expect(detailsOf({ ...status, resync: { at, refused: [need], found } })).toBe(
      [
        '**Patient** up · **committing** since 2026-01-02T03:04:05.000Z',
        '',
        `**Resync refused** ${at}: nothing was changed. The target held 900 of this site's resources, the source had 12.`,
        '',
        '> The source has few.',
        '>',
        '> **To do:** Look at it. (`fewer-at-source`)',
      ].join('\n'),
    );
    expect(detailsOf({ ...status, resync: { at, refused: [], found: { policy: '', target: 3 } } })).toContain(
      `Resync begun ${at}. The target held 3 of this site's resources, the source had an unknown number.`,
    );
  });

  it('say what is waited for, and the totals as a table', () => {
    const totals = {
      counts: { changes: 9, committed: 5, deleted: 1, unchanged: 2, withheld: 1 },
      epoch: 1,
      sequence: 2,
      settled: 300,
      delivered: 342,
      currentAtMs: 0,
      parked: 4,
      quarantined: 7,
    };
    const text = detailsOf({
      ...status,
      state: 'waiting',
      waitingFor: ['Organization', 'Location'],
      totals,
      head: 400,
    });
    expect(text).toContain('Waits for the first load of Organization, Location.');
    expect(text).toContain('\n| changes | committed | deleted | unchanged | withheld | parked | quarantined |\n');
    expect(text).toContain('\n| 9 | 5 | 1 | 2 | 1 | 4 | 7 |\n');
    expect(text).toContain('Delivered up to version 342 of 400.');
  });
});
