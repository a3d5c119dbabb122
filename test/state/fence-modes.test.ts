import { describe, expect, it } from '@jest/globals';

import { noteFenceMode, readFenceMode } from '../../src/state/fence-modes.ts';
import { backends } from './backends.ts';

describe.each(await backends())('how a target is fenced, on $name', ({ withState }) => {
  it('is what was noted first of those who asked at the same time', async () => {
    await withState(async (db) => {
      expect(await readFenceMode(db, 'hub')).toBeUndefined();
      const noted = await Promise.all([
        noteFenceMode(db, 'hub', { mode: 'marker', nowMs: 5, known: undefined }),
        noteFenceMode(db, 'hub', { mode: 'if-match', nowMs: 6, known: undefined }),
      ]);
      expect(noted[1]).toBe(noted[0]);
      expect((await readFenceMode(db, 'hub'))?.mode).toBe(noted[0]);
      expect(await readFenceMode(db, 'instance')).toBeUndefined();
    });
  });

  it('is replaced by who knew what stands there, and by nobody who has found it out from an older one', async () => {
    await withState(async (db) => {
      await noteFenceMode(db, 'hub', { mode: 'marker', nowMs: 5, known: undefined });
      expect(await noteFenceMode(db, 'hub', { mode: 'if-match', nowMs: 90, known: 5 })).toBe('if-match');
      expect(await noteFenceMode(db, 'hub', { mode: 'marker', nowMs: 91, known: 5 })).toBe('if-match');
      expect(await readFenceMode(db, 'hub')).toEqual({ mode: 'if-match', foundMs: 90 });
    });
  });
});
