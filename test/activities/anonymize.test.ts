import { describe, expect, it } from '@jest/globals';

import { readPart } from '../../src/activities/staged.ts';
import { lineRanges, parseLine } from '../../src/threads/lines.ts';
import { patient, up, withSite } from '../support/site.ts';

const patients = up('Patient');

describe('anonymize', () => {
  it('makes a clean form beside the raw one, part by part', async () => {
    await withSite({}, async (site) => {
      // Three of these fill more than one part.
      const text = { status: 'generated', div: 'x'.repeat(2_500_000) };
      for (const id of ['a', 'b', 'c']) site.instance.put(patient(id, { name: [{ family: 'Canary' }], text }));
      const raw = await site.fetchBatch(patients);
      expect(raw.parts).toBe(2);
      const clean = await site.anonymize(raw);
      expect(clean).toEqual({ ...raw, form: expect.stringMatching(/^clean-[0-9a-f]{8}$/) });
      const ids: string[] = [];
      for (let part = 0; part < clean.parts; part += 1) {
        const bytes = await readPart(site.parts.staging, clean.id, clean.form, part);
        expect(bytes.includes('Canary')).toBe(false);
        for (const { start, end } of lineRanges(bytes)) {
          const line = parseLine(bytes, start, end);
          ids.push(line.kind === 'put' ? (line.resource.id ?? '') : line.id);
        }
        expect((await readPart(site.parts.staging, raw.id, 'raw', part)).includes('Canary')).toBe(true);
      }
      expect(ids).toEqual(['a', 'b', 'c'].map((id) => site.pseudonym('Patient', id)));
      // A second attempt makes the same, beside the first: a lost one does not write into what another has made.
      const again = await site.anonymize(raw);
      expect(again).toEqual({ ...clean, form: again.form });
      expect(again.form).not.toBe(clean.form);
      for (let part = 0; part < clean.parts; part += 1) {
        const [one, other] = [clean, again].map(({ id, form }) => readPart(site.parts.staging, id, form, part));
        expect((await other)?.equals((await one)!)).toBe(true);
      }
    });
  });

  it('turns what the policy withholds into deletes, so that an earlier state does not stay in the hub', async () => {
    await withSite({}, async (site) => {
      site.instance.put(patient('a'));
      await site.drive(patients);
      const rules = [{ path: 'Patient', method: 'dropResource' }];
      await site.restart({ policy: { apiVersion: 'fhir-sluice/v1', default: 'keep', rules } });
      site.register();
      await site.resync(patients);
      const { batches, commits } = await site.drive(patients);
      expect(batches).toHaveLength(1);
      expect(commits[0]?.counts).toMatchObject({ withheld: 1, deleted: 1, committed: 0 });
      expect(site.hub.list('Patient')).toEqual([]);
    });
  });

  it('quarantines what it cannot de-identify, sealed, and goes on with the rest', async () => {
    await withSite({ limits: { quarantineCountMin: 10 } }, async (site) => {
      let deep: object = {};
      for (let level = 0; level < 150; level += 1) deep = { extension: [deep] };
      site.instance.put(patient('fine'));
      site.instance.put(patient('deep', deep));
      const raw = await site.fetchBatch(patients);
      const clean = await site.anonymize(raw);
      expect(clean).toMatchObject({ changes: 2, quarantined: 1 });
      const rows = await site.parts.db.selectFrom('quarantine').selectAll().execute();
      expect(rows).toMatchObject([{ key: `Patient/${site.pseudonym('Patient', 'deep')}`, reason: 'too-deep' }]);
      expect(Buffer.from(rows[0]?.content ?? []).includes('extension')).toBe(false);
      await site.commit(clean);
      expect(site.hub.list('Patient')).toHaveLength(1);
    });
  });

  it('says that a batch is lost whose staging is gone, or was changed', async () => {
    await withSite({}, async (site) => {
      site.instance.put(patient('a'));
      const raw = await site.fetchBatch(patients);
      await site.parts.staging.discard(raw.id);
      await expect(site.anonymize(raw)).rejects.toMatchObject({ type: 'staging-missing', nonRetryable: true });
    });
  });
});
