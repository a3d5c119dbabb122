/** The state's PostgreSQL ends at once and starts again while a stream runs: the step fails, and nothing is lost or done twice. */
import { afterAll, describe, expect, it } from '@jest/globals';

import { interrupted } from '../support/interrupted.ts';
import { startPostgres } from '../support/postgres.ts';
import { patient, Site, up } from '../support/site.ts';

const server = await startPostgres({ durable: true });
afterAll(() => server?.stop());

const patients = up('Patient');
const ids = ['a', 'b', 'c'];

(server === undefined ? describe.skip : describe)("an end of the state's PostgreSQL in the middle of a run", () => {
  it('costs an attempt of a step and no data, whichever transaction it takes back', async () => {
    const site = await Site.open({ stateDatabase: server!.place() });
    try {
      const undisturbed = site.activities;
      let crashes = 0;
      for (let round = 0; ; round++) {
        // Every second one: each costs the server a recovery.
        const point = 2 * round;
        for (const id of ids) site.instance.put(patient(id, { gender: round % 2 === 0 ? 'male' : 'female' }));
        let crashed = false;
        const crash = async (now: number): Promise<void> => {
          if (now !== point || crashed) return;
          crashed = true;
          await server!.crash();
          await server!.restart();
        };
        site.activities = site.process(interrupted(site.parts, () => undefined, crash));
        const troubles: string[] = [];
        for (let caughtUp = false; !caughtUp;) {
          try {
            await site.drive(patients);
            caughtUp = true;
          } catch (error) {
            troubles.push((error as { type?: string }).type ?? 'unknown');
            site.activities = undisturbed;
          }
        }
        site.activities = undisturbed;
        expect(troubles).toEqual(crashed ? ['state-unavailable'] : []);
        for (const id of ids) {
          expect(site.inHub('Patient', id)).toEqual(site.expected('Patient', id));
          expect(site.versionsInHub('Patient', id)).toBe(round + 1);
        }
        expect((await site.position(patients)).openCommit).toBeUndefined();
        if (!crashed) break;
        crashes += 1;
      }
      expect(crashes).toBeGreaterThan(3);
      expect((await site.position(patients)).counts).toMatchObject({ committed: 3 * (crashes + 1) });
    } finally {
      await site.close();
    }
  }, 120_000);
});
