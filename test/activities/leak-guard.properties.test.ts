/** Whatever order and batching a patient's resources come in, over streams side by side: no removed word is in the hub. */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';

import type { Batch, StreamKey } from '../../src/activities/contract.ts';
import { patient, type Site, up, withSite } from '../support/site.ts';
import { guardPolicy, named, names, observation, stateBytes } from './leak-guard.support.ts';

const streams = ['Patient', 'Encounter', 'Observation'].map(up);

/** What the visits are called: of the identifiers that rules remove, and that notes repeat. */
const visitNumber = (index: number): string => `VN-88120${String(index)}3`;

interface World {
  /** Resources in the order in which the source gets them, by index of `things`. */
  readonly order: readonly number[];
  /** What the streams do: which one takes a step, and whether a worker dies after it. */
  readonly steps: readonly { readonly stream: number; readonly dies: boolean }[];
  readonly rowsMax: number;
}

/** The patient's own, and what else is said of them in notes. */
const things = [
  named('p', { identifier: [{ value: 'MRN-4410982' }] }),
  ...[0, 1].map((index) => ({
    resourceType: 'Encounter',
    id: `e${String(index)}`,
    status: 'finished',
    class: { code: 'AMB' },
    subject: { reference: 'Patient/p' },
    identifier: [{ value: visitNumber(index) }],
  })),
  observation('o0', 'p', `${names.join(' ')} came late.`),
  observation('o1', 'p', `Of MRN-4410982, visit ${visitNumber(0)}`, { encounter: { reference: 'Encounter/e0' } }),
  observation('o2', 'p', `See ${visitNumber(1)} of Mrs. ${names[0]!}`, { encounter: { reference: 'Encounter/e1' } }),
  observation('o3', 'p', `Nothing to say.`),
];

const removed = [...names, '4410982', '8812003', '8812013', '88120'];

const world: fc.Arbitrary<World> = fc.record({
  order: fc.shuffledSubarray([...things.keys()], { minLength: things.length }),
  steps: fc.array(fc.record({ stream: fc.nat(2), dies: fc.boolean() }), { minLength: 3, maxLength: 24 }),
  rowsMax: fc.constantFrom(1, 2, 100),
});

/** One stream's batch on its way: fetched, then anonymized, then committed. */
class Walker {
  readonly #site: Site;
  readonly #stream: StreamKey;
  #raw: Batch | undefined;
  #clean: Batch | undefined;

  constructor(site: Site, stream: StreamKey) {
    this.#site = site;
    this.#stream = stream;
  }

  /** Does one activity; one that dies is done again before anything else. Gives back whether there was something to do. */
  async step(dies: boolean): Promise<boolean> {
    if (this.#clean !== undefined) {
      await this.#site.commit(this.#clean);
      this.#clean = undefined;
      this.#raw = undefined;
      return true;
    }
    if (this.#raw !== undefined) {
      this.#clean = await this.#site.anonymize(this.#raw);
      if (dies) this.#clean = await this.#site.anonymize(this.#raw);
      return true;
    }
    const fetched = await this.#site.fetch(this.#stream);
    if (fetched.kind !== 'batch') return false;
    this.#raw = fetched.batch;
    return true;
  }
}

async function run(site: Site, { order, steps }: World): Promise<void> {
  const walkers = streams.map((stream) => new Walker(site, stream));
  const arriving = order.flatMap((index) => things[index] ?? []);
  for (const { stream, dies } of steps) {
    const next = arriving.shift();
    if (next !== undefined) site.instance.put(next);
    await walkers[stream]?.step(dies);
  }
  for (const rest of arriving) site.instance.put(rest);
  for (let moved = true; moved;) {
    moved = false;
    for (const walker of walkers) if (await walker.step(false)) moved = true;
  }
}

describe('the leak guard over streams', () => {
  it('lets no removed word into the hub, whatever comes when, and none into the state', async () => {
    await fc.assert(
      fc.asyncProperty(world, (one) =>
        withSite(
          {
            streams: ['up Patient', 'up Encounter', 'up Observation'],
            policy: guardPolicy(),
            limits: { batchRowsMax: one.rowsMax, quarantineCountMin: 100 },
          },
          async (site) => {
            // Loaded once, so that no stream waits for another: what they meet is up to `world`.
            site.instance.put(patient('other'));
            for (const stream of streams) await site.drive(stream);
            await run(site, one);
            const hub = ['Patient', 'Encounter', 'Observation'].map((type) => site.hub.list(type));
            expect(hub.map((list) => list.length)).toEqual([2, 2, 4]);
            const text = JSON.stringify(hub);
            for (const word of removed) expect(text.toLowerCase().includes(word.toLowerCase())).toBe(false);
            expect(text).toContain('Nothing to say.');
            expect(text).toContain('came late.');
            const bytes = await stateBytes(site);
            for (const word of removed) {
              expect(bytes.includes(word)).toBe(false);
              expect(bytes.includes(word.toLowerCase())).toBe(false);
            }
          },
        ),
      ),
      { numRuns: 12 },
    );
  }, 240_000);

  it('nor where the streams run at the same time', async () => {
    const options = { streams: ['up Patient', 'up Encounter', 'up Observation'], policy: guardPolicy() };
    await withSite({ ...options, limits: { batchRowsMax: 7, quarantineCountMin: 100 } }, async (site) => {
      for (const stream of streams) await site.drive(stream);
      for (let index = 0; index < 40; index += 1) {
        const id = `p${String(index)}`;
        const encounter = { reference: `Encounter/${id}` };
        site.instance.put(observation(`a${id}`, id, `${names.join(' ')}, ${visitNumber(index)}`, { encounter }));
        const identifier = [{ value: visitNumber(index) }];
        const subject = { reference: `Patient/${id}` };
        site.instance.put({
          resourceType: 'Encounter',
          id,
          status: 'finished',
          class: { code: 'AMB' },
          identifier,
          subject,
        });
        site.instance.put(named(id));
        site.instance.put(observation(`b${id}`, id, `Mrs. ${names[0]!} again`));
      }
      await Promise.all(streams.map((stream) => drivenToTheEnd(site, stream)));
      // What the last of them has set free is committed by whoever comes next.
      for (const stream of streams) await drivenToTheEnd(site, stream);
      const hub = ['Patient', 'Encounter', 'Observation'].map((type) => site.hub.list(type));
      expect(hub.map((list) => list.length)).toEqual([40, 40, 80]);
      expect(JSON.stringify(hub)).not.toMatch(/zephyrine|quill|88120/i);
    });
  }, 60_000);
});

/** Drives a stream as its workflow does: what another one holds for a moment is tried again. */
async function drivenToTheEnd(site: Site, stream: StreamKey): Promise<void> {
  for (let attempt = 0; attempt < 50; attempt += 1) {
    try {
      await site.drive(stream);
      return;
    } catch (error) {
      if ((error as { type?: unknown }).type !== 'parked-claimed') throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
  throw new Error('the stream does not come to an end');
}
