/** The leak guard in the pipeline: a word that a rule removed of a patient stands in none of that patient's outputs. */
import { describe, expect, it } from '@jest/globals';

import { readPart } from '../../src/activities/staged.ts';
import { fixedLimits } from '../../src/limits.ts';
import { countParked } from '../../src/state/parked.ts';
import { patient, type Site, up, withSite } from '../support/site.ts';
import {
  dyingAt,
  family,
  given,
  guardPolicy,
  lastEvent,
  named,
  names,
  noteInHub,
  observation,
  quarantined,
  stateBytes,
} from './leak-guard.support.ts';

const patients = up('Patient');
const observations = up('Observation');
const encounters = up('Encounter');
const streams = ['up Patient', 'up Observation', 'up Encounter'];
const text = `Seen today, ${given} ${family} feels better.`;

const withGuard = (work: (site: Site) => Promise<void>, more: object = {}, limits = {}): Promise<void> =>
  withSite({ streams, policy: guardPolicy(more), limits: { quarantineCountMin: 100, ...limits } }, work);

const hubText = (site: Site): string =>
  JSON.stringify(['Patient', 'Observation', 'Encounter'].map((type) => site.hub.list(type)));

describe('anonymize', () => {
  it('masks words that were removed in another stream before', async () => {
    await withGuard(async (site) => {
      site.instance.put(named('p'));
      site.instance.put(observation('o', 'p', text));
      site.instance.put(observation('plain', 'p', 'Feels better.'));
      await site.drive(patients);
      await site.drive(observations);
      expect(noteInHub(site, 'o')).toMatch(/^Seen today, \S+ feels better\.$/);
      expect(noteInHub(site, 'plain')).toBe('Feels better.');
      expect(lastEvent(site, 'batch-anonymized')).toMatchObject({ resources: 2, masked: 1, guardWithheld: 0 });
      expect(site.inHub('Observation', 'plain')).toEqual(site.expected('Observation', 'plain'));
    });
  });

  it('leaves the words of others alone', async () => {
    await withGuard(async (site) => {
      site.instance.put(named('p'));
      site.instance.put(patient('other'));
      site.instance.put(observation('o', 'other', text));
      await site.drive(patients);
      await site.drive(observations);
      expect(noteInHub(site, 'o')).toBe(text);
    });
  });

  it('keeps words durably, as hashes alone, also once their Patient is deleted', async () => {
    await withGuard(async (site) => {
      site.instance.put(named('p', { identifier: [{ value: 'MRN-7719253' }] }));
      await site.drive(patients);
      site.instance.delete('Patient', 'p');
      await site.drive(patients);
      const bytes = await stateBytes(site);
      for (const word of [...names, '7719253', 'zephyrine', 'quill']) expect(bytes.includes(word)).toBe(false);
      const rows = await site.parts.db.selectFrom('guard_patients').selectAll().execute();
      expect(rows).toMatchObject([{ key_version: 1, patient: expect.stringMatching(/^[0-9a-f]{32}$/) }]);
      expect(rows[0]?.words).toBeGreaterThan(2);
      await site.restart();
      site.instance.put({ ...observation('o', 'p', `${text} MRN-7719253`), subject: { reference: 'Patient/p' } });
      const clean = await site.cleanBatch(observations);
      const staged = await readPart(site.parts.staging, clean.id, clean.form, 0);
      for (const word of [...names, '7719253']) expect(staged.includes(word)).toBe(false);
    });
  });

  it('gives the same result when it is tried again', async () => {
    await withGuard(async (site) => {
      site.instance.put(named('p'));
      site.instance.put(observation('o', 'p', text));
      await site.drive(patients);
      const raw = await site.fetchBatch(observations);
      // Killed between the state and the end: the words are stored, no form is told.
      let writes = 0;
      const staging = dyingAt(site, () => ++writes === 2);
      await expect(site.anonymize(raw, site.process({ staging }))).rejects.toThrow();
      expect(writes).toBe(2);
      const words = await site.parts.db.selectFrom('guard_words').selectAll().execute();
      const [one, two] = [await site.anonymize(raw), await site.anonymize(raw)];
      expect(two).toEqual({ ...one, form: two.form });
      const bytes = await readPart(site.parts.staging, one.id, one.form, 0);
      expect((await readPart(site.parts.staging, two.id, two.form, 0)).equals(bytes)).toBe(true);
      expect(await site.parts.db.selectFrom('guard_words').selectAll().execute()).toEqual(words);
      await site.commit(two);
      expect(noteInHub(site, 'o')).not.toContain(family);
    });
  });

  it('withholds where the policy says so, and the reference to it waits', async () => {
    await withGuard(
      async (site) => {
        site.instance.put(named('p'));
        site.instance.put(observation('o', 'p', text));
        site.instance.put({ ...observation('child', 'p', 'fine'), derivedFrom: [{ reference: 'Observation/o' }] });
        await site.drive(patients);
        const { commits } = await site.drive(observations);
        expect(await quarantined(site)).toEqual([
          { key: `Observation/${site.pseudonym('Observation', 'o')}`, reason: 'leak-guard' },
        ]);
        expect(commits.at(-1)).toMatchObject({ quarantined: 1, parked: 1 });
        expect(lastEvent(site, 'batch-anonymized')).toMatchObject({ resources: 1, quarantined: 1, guardWithheld: 1 });
        expect(site.hub.list('Observation')).toEqual([]);
        site.instance.put(observation('o', 'p', 'fine, too'));
        await site.drive(observations);
        expect(await quarantined(site)).toEqual([]);
        expect(site.hub.list('Observation')).toHaveLength(2);
      },
      { leakGuard: 'withhold' },
    );
  });

  it('withholds all text of a patient with more words than are kept', async () => {
    await withGuard(async (site) => {
      site.instance.put(named('p'));
      site.instance.put(patient('q'));
      site.instance.put(observation('o', 'p', 'anything'));
      site.instance.put(observation('of-q', 'q', 'anything'));
      await site.drive(patients);
      await site.parts.db.updateTable('guard_patients').set({ overflowed: 1 }).where('words', '>', 0).execute();
      await site.drive(observations);
      expect(await quarantined(site)).toMatchObject([{ reason: 'leak-guard' }]);
      expect(noteInHub(site, 'of-q')).toBe('anything');
      expect(noteInHub(site, 'o')).toBeUndefined();
    });
  });

  it('masks the words of each patient whom a resource names', async () => {
    await withGuard(async (site) => {
      site.instance.put(named('p'));
      site.instance.put(named('q', { name: [{ family: 'Oberlander' }] }));
      const focus = [{ reference: 'Patient/q' }];
      site.instance.put(observation('o', 'p', `${family} and Oberlander came`, { focus }));
      await site.drive(patients);
      await site.drive(observations);
      expect(noteInHub(site, 'o')).toMatch(/^\S+ and \S+ came$/);
      expect(hubText(site)).not.toMatch(/Zephyrine|Oberlander/);
    });
  });

  it('withholds what meets a word and is of patients with more words than are read together', async () => {
    await withGuard(async (site) => {
      const focus = [{ reference: 'Patient/q' }];
      site.instance.put(named('p'));
      site.instance.put(named('q'));
      site.instance.put(observation('both', 'p', text, { focus }));
      site.instance.put(observation('fine', 'p', 'Feels better.', { focus }));
      for (const id of ['p', 'q']) site.instance.put(observation(`of-${id}`, id, text));
      await site.drive(patients);
      const most = Math.ceil((fixedLimits.guardReadWordsMax * 2) / 3);
      await site.parts.db.updateTable('guard_patients').set({ words: most }).where('words', '>', 0).execute();
      await site.drive(observations);
      expect(await quarantined(site)).toMatchObject([{ reason: 'leak-guard' }]);
      expect(noteInHub(site, 'both')).toBeUndefined();
      expect(noteInHub(site, 'fine')).toBe('Feels better.');
      for (const id of ['p', 'q']) expect(noteInHub(site, `of-${id}`)).toMatch(/^Seen today, \S+ feels better\.$/);
    });
  });

  it('costs nothing where the policy has no guard', async () => {
    await withGuard(
      async (site) => {
        site.instance.put(named('p'));
        site.instance.put(observation('o', 'p', text));
        await site.drive(patients);
        const clean = await site.cleanBatch(observations);
        expect(clean.form).toBe('clean');
        expect((await readPart(site.parts.staging, clean.id, 'clean', 0)).includes('"g":')).toBe(false);
        await site.commit(clean);
        expect(noteInHub(site, 'o')).toBe(text);
        expect(await site.parts.db.selectFrom('guard_patients').selectAll().execute()).toEqual([]);
      },
      { leakGuard: 'off' },
    );
  });
});

describe('commit', () => {
  it('masks what was parked before its Patient was seen, when the Patient sets it free', async () => {
    await withGuard(async (site) => {
      site.instance.put(observation('o', 'p', text));
      await site.drive(observations);
      expect(await countParked(site.parts.db, 'up')).toBe(1);
      site.instance.put(named('p'));
      const { commits } = await site.drive(patients);
      expect(commits.at(-1)).toMatchObject({ released: 1, parked: 0 });
      expect(lastEvent(site, 'batch-committed')).toMatchObject({ type: 'Patient', masked: 1, guardWithheld: 0 });
      expect(noteInHub(site, 'o')).toMatch(/^Seen today, \S+ feels better\.$/);
      const labels = (site.inHub('Observation', 'o')?.meta as { security: { code: string }[] }).security;
      expect(labels.map(({ code }) => code)).toContain('MASKED');
      // The ledger has the digest of what was written: the same state comes again without a new version.
      site.instance.put(observation('o', 'p', text));
      await site.drive(observations);
      expect(site.versionsInHub('Observation', 'o')).toBe(1);
      expect(hubText(site)).not.toMatch(/Zephyrine|Quill/i);
      const bytes = await stateBytes(site);
      for (const word of names) expect(bytes.includes(word)).toBe(false);
    });
  });

  it('masks words that came between anonymize and commit', async () => {
    await withGuard(async (site) => {
      site.instance.put(patient('p'));
      await site.drive(patients);
      site.instance.put(observation('o', 'p', text));
      site.instance.put(observation('plain', 'p', 'Feels better.'));
      const waiting = await site.cleanBatch(observations);
      const staged = await readPart(site.parts.staging, waiting.id, waiting.form, 0);
      expect(staged.includes(family)).toBe(true);
      site.instance.put(named('p'));
      await site.drive(patients);
      await site.commit(waiting);
      expect(lastEvent(site, 'batch-committed')).toMatchObject({ committed: 2, masked: 1 });
      expect(noteInHub(site, 'o')).toMatch(/^Seen today, \S+ feels better\.$/);
      expect(noteInHub(site, 'plain')).toBe('Feels better.');
    });
  });

  it('withholds then where the policy says so, and what refers to it is parked', async () => {
    await withGuard(
      async (site) => {
        site.instance.put(patient('p'));
        await site.drive(patients);
        site.instance.put(observation('o', 'p', text));
        site.instance.put({ ...observation('child', 'p', 'fine'), derivedFrom: [{ reference: 'Observation/o' }] });
        const waiting = await site.cleanBatch(observations);
        site.instance.put(named('p'));
        await site.drive(patients);
        const result = await site.commit(waiting);
        expect(result).toMatchObject({ quarantined: 1, parked: 1, counts: { committed: 0 } });
        expect(await quarantined(site)).toMatchObject([{ reason: 'leak-guard' }]);
        expect(site.hub.list('Observation')).toEqual([]);
      },
      { leakGuard: 'withhold' },
    );
  });

  it('withholds at release where the policy says so, and what was to go with it stays parked', async () => {
    await withGuard(
      async (site) => {
        site.instance.put(observation('o', 'p', text));
        site.instance.put({ ...observation('child', 'p', 'fine'), derivedFrom: [{ reference: 'Observation/o' }] });
        await site.drive(observations);
        site.instance.put(named('p'));
        const { commits } = await site.drive(patients);
        expect(commits.at(-1)).toMatchObject({ released: 0, counts: { committed: 1 } });
        expect(await countParked(site.parts.db, 'up')).toBe(1);
        expect(await quarantined(site)).toMatchObject([{ reason: 'leak-guard' }]);
        expect(site.hub.list('Observation')).toEqual([]);
        const claims = await site.parts.db.selectFrom('parked').select('claim').execute();
        expect(claims).toEqual([{ claim: '' }]);
      },
      { leakGuard: 'withhold' },
    );
  });

  it('withholds a parked resource of which nobody knows whose it is', async () => {
    await withGuard(async (site) => {
      site.instance.put(observation('o', 'p', text));
      await site.drive(observations);
      await site.parts.db.updateTable('parked').set({ guard: null }).execute();
      site.instance.put(named('p'));
      await site.drive(patients);
      expect(await quarantined(site)).toMatchObject([{ reason: 'leak-guard' }]);
      expect(site.hub.list('Observation')).toEqual([]);
    });
  });

  it('guards what the target made it park', async () => {
    await withGuard(async (site) => {
      site.instance.put(patient('p'));
      site.instance.put({ resourceType: 'Encounter', id: 'e', status: 'finished', class: { code: 'AMB' } });
      await site.drive(patients);
      await site.drive(encounters);
      site.hub.delete('Encounter', site.pseudonym('Encounter', 'e'));
      site.instance.put(observation('o', 'p', text, { encounter: { reference: 'Encounter/e' } }));
      await site.drive(observations);
      expect(await countParked(site.parts.db, 'up')).toBe(1);
      site.instance.put(named('p'));
      await site.drive(patients);
      site.instance.put({ resourceType: 'Encounter', id: 'e', status: 'finished', class: { code: 'IMP' } });
      await site.drive(encounters);
      expect(noteInHub(site, 'o')).toMatch(/^Seen today, \S+ feels better\.$/);
    });
  });

  it('looks through what an extra step has made', async () => {
    const step = new URL('./steps/telling.ts', import.meta.url).href;
    await withSite({ streams, policy: guardPolicy(), steps: [step] }, async (site) => {
      site.instance.put(named('p'));
      site.instance.put(observation('o', 'p', 'fine'));
      await site.drive(patients);
      await site.drive(observations);
      expect(noteInHub(site, 'o')).toMatch(/^Said by \S+\.$/);
      expect(hubText(site)).not.toMatch(/Zephyrine|Quill/i);
    });
  });

  it('gives the same when it is killed after it has masked', async () => {
    await withGuard(async (site) => {
      site.instance.put(observation('o', 'p', text));
      await site.drive(observations);
      site.instance.put(named('p'));
      const batch = await site.cleanBatch(patients);
      // The plan cannot be staged: the parked observation is masked by then.
      const staging = dyingAt(site, (part) => part.startsWith('plan'));
      await expect(site.commit(batch, site.process({ staging }))).rejects.toThrow();
      const masked = await site.parts.db.selectFrom('parked').select(['digest', 'claim']).execute();
      expect(masked).toMatchObject([{ claim: batch.id }]);
      const result = await site.commit(batch);
      expect(result).toMatchObject({ released: 1, parked: 0 });
      expect(noteInHub(site, 'o')).toMatch(/^Seen today, \S+ feels better\.$/);
      expect(site.versionsInHub('Observation', 'o')).toBe(1);
    });
  });

  it('cannot mask what is in the hub already: late words are counted, and a resync applies them', async () => {
    await withGuard(async (site) => {
      site.instance.put(named('p'));
      site.instance.put(observation('o', 'p', 'Called Marguerite by her sister.'));
      await site.drive(patients);
      expect(lastEvent(site, 'batch-anonymized')).toMatchObject({ lateWords: 0 });
      await site.drive(observations);
      site.instance.put({ ...named('p'), name: [{ family, given: ['Marguerite'] }] });
      await site.drive(patients);
      const { words, lateWords } = lastEvent(site, 'batch-anonymized') ?? {};
      expect(lateWords).toBeGreaterThan(0);
      expect(words).toBe(lateWords);
      expect(noteInHub(site, 'o')).toContain('Marguerite');
      await site.resync(observations);
      await site.drive(observations);
      expect(noteInHub(site, 'o')).toMatch(/^Called \S+ by her sister\.$/);
    });
  });
});

describe('a resync under a policy that has a guard now', () => {
  it('does not begin with text: the patients in the hub have to be read before, for their words', async () => {
    await withGuard(
      async (site) => {
        site.instance.put(named('p'));
        site.instance.put(observation('o', 'p', text));
        await site.drive(patients);
        await site.drive(observations);
        expect(noteInHub(site, 'o')).toBe(text);
        await site.restart({ policy: guardPolicy() });
        site.register();
        await site.resync(observations);
        const asked = site.fetch(observations);
        // It goes on asking for as long as it may, by the site's clock.
        await new Promise((resolve) => setTimeout(resolve, 300));
        site.wait(30);
        expect(await asked).toEqual({ kind: 'wait', types: ['Patient'] });
        await site.resync(patients);
        await site.drive(patients);
        await site.drive(observations);
        expect(noteInHub(site, 'o')).toMatch(/^Seen today, \S+ feels better\.$/);
      },
      { leakGuard: 'off' },
    );
  });
});
