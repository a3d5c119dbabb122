import { describe, expect, it } from '@jest/globals';

import { createThreadPool } from '../../src/threads/pool.ts';
import { putLine } from '../../src/threads/lines.ts';

const stepUrl = (what: string): string => new URL(`../activities/steps/changing.ts?do=${what}`, import.meta.url).href;

describe('the pool of threads', () => {
  it('runs a step in a thread, and tells a step that failed from a thread that did, without a word of either', async () => {
    const pool = createThreadPool(1);
    try {
      const context = { direction: 'up', type: 'Patient', policy: 'p' } as const;
      const lines = Buffer.from(putLine('{"resourceType":"Patient","id":"canary"}'));
      const done = await pool.runStep({ moduleUrl: stepUrl('marks'), context, lines });
      expect(done).toMatchObject({ resources: 1, withheld: 0 });
      expect(Buffer.from(done.lines).toString('utf8')).toContain('"active":true');
      const failed = pool.runStep({ moduleUrl: stepUrl('throws'), context, lines });
      await expect(failed).rejects.toMatchObject({ code: 'extra-step-failed', message: 'extra-step-failed' });
      const missing = pool.runStep({ moduleUrl: 'file:///canary/none.ts', context, lines });
      await expect(missing).rejects.toMatchObject({ code: 'extra-step-failed', message: 'extra-step-failed' });
      // A line that is none of ours: the thread's own code stumbles.
      const broken = pool.runStep({ moduleUrl: stepUrl('marks'), context, lines: Buffer.from('{canary') });
      await expect(broken).rejects.toMatchObject({ code: 'worker-thread-failed', message: 'worker-thread-failed' });
    } finally {
      await pool.close();
    }
  });
});
