import { describe, expect, it } from '@jest/globals';
import { bundle, patient, rowsOf, withEmulator } from './calls.ts';

describe('transactions that commit out of version order', () => {
  it('hide their rows until the commit, so that a client that went on from a newer version never sees them', async () => {
    await withEmulator({}, async (emulator, call) => {
      const late = emulator.beginTransaction();
      late.put(patient('late'));
      emulator.put(patient('early'));
      expect(late.txid).toBe(1);
      expect((await call('GET', '/Patient/$changes')).json).toEqual({ version: 2 });
      expect(rowsOf(await call('GET', '/Patient/$changes?version=0,2'))).toEqual(['created early@2']);
      expect((await call('GET', '/fhir/Patient/late')).status).toBe(404);
      late.commit();
      expect((await call('GET', '/Patient/$changes')).json).toEqual({ version: 2 });
      expect((await call('GET', '/Patient/$changes?version=2')).status).toBe(304);
      expect(rowsOf(await call('GET', '/Patient/$changes?version=0,2'))).toEqual(['created late@1', 'created early@2']);
      expect((await call('GET', '/fhir/Patient/late')).status).toBe(200);
    });
  });

  it('leave as current what was committed last, even with the lower txid', async () => {
    await withEmulator({}, async (emulator, call) => {
      const late = emulator.beginTransaction();
      late.put(patient('a', { active: false }));
      emulator.put(patient('a', { active: true }));
      late.commit();
      const read = await call('GET', '/fhir/Patient/a');
      expect(read.json).toMatchObject({ active: false, meta: { versionId: '1' } });
      expect((await call('GET', '/Patient/a/$changes')).json).toEqual({ version: 2 });
      expect(rowsOf(await call('GET', '/Patient/a/$changes?version=0,2'))).toEqual(['updated a@1', 'created a@2']);
    });
  });

  it('burn their txids when they are rolled back', async () => {
    await withEmulator({}, async (emulator, call) => {
      const tx = emulator.beginTransaction();
      tx.put(patient('a'));
      tx.delete('Patient', 'a');
      tx.rollback();
      expect(() => tx.put(patient('b'))).toThrow('ended');
      emulator.put(patient('c'));
      expect(rowsOf(await call('GET', '/Patient/$changes?version=0'))).toEqual(['created c@3']);
    });
  });

  it('happen to writes over HTTP when the option asks for them, every write arriving in the end', async () => {
    await withEmulator({ lateCommits: { share: 0.5, maxDelayMs: 30 }, seed: 3 }, async (emulator, call) => {
      const inCommitOrder: number[] = [];
      const puts = Array.from({ length: 20 }, async (_, index) => {
        const answer = await call('PUT', `/fhir/Patient/p${String(index)}`, patient('x'));
        inCommitOrder.push(Number((answer.json as { meta: { versionId: string } }).meta.versionId));
      });
      await Promise.all(puts);
      expect(inCommitOrder).not.toEqual([...inCommitOrder].sort((a, b) => a - b));
      expect(rowsOf(await call('GET', '/Patient/$changes?version=0'))).toHaveLength(20);
      expect(emulator.counters.resourcesIn).toBe(20);
    });
  });

  it('answer 412 to the second of two that write the same id, with no If-Match sent', async () => {
    await withEmulator({ lateCommits: { share: 1, maxDelayMs: 20 } }, async (emulator, call) => {
      const write = (): Promise<{ status: number }> =>
        call('POST', '/fhir', bundle('transaction', ['PUT', 'Patient/a', patient('a')]));
      const statuses = (await Promise.all([write(), write()])).map(({ status }) => status);
      expect(statuses.sort()).toEqual([200, 412]);
      expect(emulator.store.versions('Patient', 'a')).toHaveLength(1);
    });
  });
});
