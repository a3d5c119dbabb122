/** What a stream does beside its feed: output that went through its steps before goes straight to the hub. */
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';

import { pauseSignal, resyncSignal, retrySignal } from '../../src/workflows/messages.ts';
import { eventsOf, scheduled } from './support/history.ts';
import { Script } from './support/script.ts';
import { Stage } from './support/stage.ts';

jest.setTimeout(60_000);

let stage: Stage;
beforeAll(async () => {
  stage = await Stage.skipping();
});
afterAll(() => stage.close());

describe('work beside the feed', () => {
  it('is authorized and committed, not anonymized again, and the feed is looked at after it', async () => {
    const script = new Script({ steps: ['zip-codes'] });
    script.script('fetchChanges', () => script.ownWork('retry'));
    await stage.site(script, async (site) => {
      const handle = await site.start();
      expect(await handle.result()).toMatchObject({ outcome: 'current', batches: 2 });
      expect(script.committed.map(({ own }) => own)).toEqual(['retry', undefined]);
      expect([script.calls('authorize'), script.calls('anonymize'), script.calls('step')]).toEqual([2, 1, 1]);
      expect((await scheduled(await eventsOf(handle))).map(({ summary }) => summary)).toContain(
        'Patient: 2 of quarantine, tried again',
      );
    });
  });

  it('where a stream stands at its head already, does not end the run before the feed was asked', async () => {
    const script = new Script();
    script.delivered = script.head;
    script.script('fetchChanges', () => script.ownWork('leftovers'));
    await stage.site(script, async (site) => {
      const handle = await site.start();
      await handle.result();
      expect(script.calls('fetchChanges')).toBe(2);
      expect((await scheduled(await eventsOf(handle))).map(({ summary }) => summary)).toContain(
        'Patient: 2 deleted that the source no longer has',
      );
    });
  });
});

describe('too many leftovers of a resync', () => {
  it('block, and are deleted once somebody says retry', async () => {
    const script = new Script().fails('fetchChanges', 'leftovers-many');
    await stage.site(script, async (site) => {
      const handle = await site.start();
      await site.until(handle, 'blocked');
      await handle.signal(retrySignal);
      await handle.result();
      expect(script.fetches.map(({ leftoversConfirmed }) => leftoversConfirmed)).toEqual([undefined, true]);
    });
  });

  it('are not confirmed by anything else that ends the wait', async () => {
    const script = new Script().fails('fetchChanges', 'leftovers-many');
    await stage.site(script, async (site) => {
      const handle = await site.start();
      await site.until(handle, 'blocked');
      await handle.signal(resyncSignal);
      await handle.result();
      expect(script.calls('beginResync')).toBe(1);
      expect(script.fetches.some(({ leftoversConfirmed }) => leftoversConfirmed)).toBe(false);
    });
  });

  it('nor is a retry from before the pause taken for a yes to what is found after it', async () => {
    const script = new Script().fails('fetchChanges', 'leftovers-many');
    await stage.site(script, async (site) => {
      const handle = await site.start();
      await site.until(handle, 'blocked');
      await handle.signal(pauseSignal);
      await site.until(handle, 'paused');
      await handle.signal(retrySignal);
      await handle.signal('resume');
      await handle.result();
      expect(script.fetches.some(({ leftoversConfirmed }) => leftoversConfirmed)).toBe(false);
    });
  });
});
