/**
 * Late commits against the double: transactions take their txids in one order and commit in another while the stream is
 * driven. Whatever the interleaving, the hub ends with the de-identified current state of every id (I1, I4).
 */
import { describe, expect, it } from '@jest/globals';

import type { EmulatorOptions, Tx } from '../../src/emulator/emulator.ts';
import { type Random, seeded } from '../sync/model-source.ts';
import { patient, settleSeconds, type Site, up, withSite } from '../support/site.ts';

const patients = up('Patient');
const ids = ['a', 'b', 'c', 'd', 'e', 'f'];

interface Open {
  readonly tx: Tx;
  readonly untilMs: number;
}

/** A source that people write to: transactions begin at random, and commit within the time that they are allowed. */
class Writers {
  readonly #site: Site;
  readonly #random: Random;
  #open: Open[] = [];
  #count = 0;

  constructor(site: Site, random: Random) {
    this.#site = site;
    this.#random = random;
  }

  /** Some time passes; something may begin, and something may end. */
  step(): void {
    const { clock } = this.#site;
    clock.ms += this.#random(4_000);
    this.#end((open) => open.untilMs <= clock.ms || this.#random(4) === 0);
    for (let begun = this.#random(3); begun > 0; begun -= 1) this.#begin();
  }

  finish(): void {
    this.#end(() => true);
  }

  #begin(): void {
    const { instance, clock } = this.#site;
    const tx = instance.beginTransaction();
    for (const id of ids) {
      if (this.#random(3) > 0) continue;
      this.#count += 1;
      const value = String(this.#count);
      if (this.#random(4) === 0) tx.delete('Patient', id);
      else tx.put(patient(id, { multipleBirthInteger: this.#count, name: [{ family: `Canary${value}` }] }));
    }
    this.#open.push({ tx, untilMs: clock.ms + this.#random(settleSeconds * 1_000 - 1_000) });
  }

  #end(chosen: (open: Open) => boolean): void {
    const staying: Open[] = [];
    // In no order: what began first may end last.
    for (const open of this.#open.toSorted(() => this.#random(3) - 1)) {
      if (!chosen(open)) staying.push(open);
      else if (this.#random(8) === 0) open.tx.rollback();
      else open.tx.commit();
    }
    this.#open = staying;
  }
}

async function interleave(site: Site, seed: number): Promise<void> {
  const random = seeded(seed);
  const writers = new Writers(site, random);
  for (let round = 0; round < 3; round += 1) {
    await site.drive(patients, { before: () => (random(2) === 0 ? writers.step() : undefined) });
  }
  writers.finish();
  for (let round = 0; round < 3; round += 1) {
    site.settle();
    await site.drive(patients);
  }
}

const shapes: readonly (readonly [string, EmulatorOptions])[] = [
  ['a plain source', {}],
  ['rows in no order and one version for a transaction', { changesOrder: 'shuffled', txidPer: 'transaction' }],
  ['no meta in its rows', { metaInChanges: false, deletedRow: 'id-only' }],
];

describe('late commits', () => {
  it.each(shapes)('are delivered, and never overtake what is newer: %s', async (_shape, instance) => {
    for (let seed = 1; seed <= 9; seed += 1) {
      await withSite({ instance, limits: { batchRowsMax: seed % 2 === 0 ? 4 : 1_000 } }, async (site) => {
        await interleave(site, seed);
        const states = ids.map((id) => [seed, id, site.inHub('Patient', id)]);
        expect(states).toEqual(ids.map((id) => [seed, id, site.expected('Patient', id)]));
        expect(JSON.stringify(site.hub.list('Patient'))).not.toContain('Canary');
      });
    }
  });

  it('becomes visible in a sweep where nothing new comes after it', async () => {
    await withSite({}, async (site) => {
      const late = site.instance.beginTransaction();
      late.put(patient('late'));
      site.instance.put(patient('early'));
      await site.drive(patients);
      expect(site.inHub('Patient', 'early')).toBeDefined();
      late.commit();
      // Nothing is newer than what was delivered; only time tells that something may be missing.
      expect((await site.drive(patients)).batches).toEqual([]);
      site.settle();
      await site.drive(patients);
      expect(site.inHub('Patient', 'late')).toEqual(site.expected('Patient', 'late'));
      expect(site.versionsInHub('Patient', 'early')).toBe(1);
    });
  });

  it('reads the current state where a late version of a delivered id shows up', async () => {
    await withSite({}, async (site) => {
      const late = site.instance.beginTransaction();
      late.put(patient('a', { gender: 'female' }));
      site.instance.put(patient('a', { gender: 'male' }));
      await site.drive(patients);
      expect(site.inHub('Patient', 'a')).toMatchObject({ gender: 'male' });
      // Committed last, so it is the current state, though its version is the lower one.
      late.commit();
      site.settle();
      await site.drive(patients);
      expect(site.inHub('Patient', 'a')).toMatchObject({ gender: 'female' });
    });
  });
});

describe('an unsettled window that fills a batch by itself', () => {
  it('is not read over and over where rows have no version: what is new comes first', async () => {
    await withSite({ instance: { metaInChanges: false }, limits: { batchRowsMax: 4 } }, async (site) => {
      for (let count = 0; count < 12; count += 1) site.instance.put(patient(`p${String(count)}`));
      const { commits } = await site.drive(patients);
      expect(commits.length).toBeLessThan(10);
      expect(site.hub.list('Patient')).toHaveLength(12);
    });
  });
});

describe("a worker's clock that jumps", () => {
  const hourMs = 3_600_000;
  const withClock = (site: Site, skewMs: number): Site['activities'] =>
    site.process({ now: () => site.clock.ms + skewMs });

  it.each([9, -9])('by %i hours does not settle what is still in flight', async (hours) => {
    await withSite({}, async (site) => {
      const late = site.instance.beginTransaction();
      late.put(patient('late'));
      site.instance.put(patient('early'));
      await site.drive(patients);
      site.activities = withClock(site, hours * hourMs);
      await site.drive(patients);
      site.wait(1);
      site.activities = withClock(site, 0);
      await site.drive(patients);
      late.commit();
      for (let round = 0; round < 3; round += 1) {
        site.settle();
        await site.drive(patients);
      }
      expect(site.inHub('Patient', 'late')).toEqual(site.expected('Patient', 'late'));
    });
  });

  it('back by hours does not keep it from settling: what comes late is found when its time is over', async () => {
    await withSite({}, async (site) => {
      const late = site.instance.beginTransaction();
      late.put(patient('late'));
      site.instance.put(patient('early'));
      site.activities = withClock(site, 9 * hourMs);
      await site.drive(patients);
      late.commit();
      site.activities = withClock(site, 0);
      site.settle();
      await site.drive(patients);
      expect(site.inHub('Patient', 'late')).toEqual(site.expected('Patient', 'late'));
    });
  });
});
