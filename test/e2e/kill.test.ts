/**
 * A worker is killed (SIGKILL) at every place of a batch's way, and another takes over: nothing is lost, nothing has
 * effect twice. A site for each place, and all of them at once, since Temporal waits a heartbeat's minute for each.
 */
import { readdirSync } from 'node:fs';

import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';

import type { Resource } from '../../src/fhir/resource.ts';
import type { Child } from '../support/e2e-children.ts';
import { differences, hubVersions } from '../support/e2e-check.ts';
import { organization, population, range, testPolicy } from '../support/e2e-data.ts';
import type { Harm } from '../support/e2e-harmed-worker.ts';
import { type E2eSite, E2eWorld, eventually, untilSettled } from '../support/e2e-world.ts';

jest.setTimeout(150_000);

interface Place {
  readonly name: string;
  readonly harm?: Omit<Harm, 'what'>;
  /** Or the hub never answers the transaction that holds this text. */
  readonly hang?: { readonly text: (instance: string) => string; readonly applied: boolean };
}

const place = (when: Harm['when'], activity: string, type = 'Patient', execution = 1): Place => ({
  name: `${when} ${activity}, ${type} ${String(execution)}`,
  harm: { when, activity, type, execution },
});

/** How the transaction is told that carries a stream's cursor, and one of those in front of it. */
const cursorText = (instance: string): string => `"id":"${instance}.up.Patient","kind":"cursor"`;
const laneText = (instance: string): string => `"id":"${instance}.up.Patient.l0","kind":"lane"`;

const places: readonly Place[] = [
  ...['fetchChanges', 'anonymize', 'authorize', 'commit'].flatMap((activity) => [
    place('before', activity),
    place('after', activity),
  ]),
  place('after', 'commit', 'Patient', 2),
  // Condition and Encounter refer to each other: one parks, the other closes the circles.
  place('before', 'commit', 'Condition'),
  place('after', 'commit', 'Condition'),
  { name: 'in commit: the cursor is written, the answer lost', hang: { text: cursorText, applied: true } },
  { name: 'in commit: the cursor is sent, and never arrives', hang: { text: cursorText, applied: false } },
  { name: 'in commit: the first transaction is written, the answer lost', hang: { text: laneText, applied: true } },
  { name: 'in commit: the first transaction never arrives', hang: { text: laneText, applied: false } },
];

let world: E2eWorld;
const sites: E2eSite[] = [];
const patients = 26;

beforeAll(async () => {
  world = await E2eWorld.start({ hub: { record: 'bodies' } });
  world.hub.load(range(2).map(organization));
  const harms: Record<string, Harm> = {};
  for (const [index, { harm, hang }] of places.entries()) {
    const instance = `site-${String(index)}`;
    const site = await world.addSite({
      instance,
      upTypes: ['Patient', 'Encounter', 'Condition'],
      downTypes: ['Organization'],
      policy: testPolicy,
      // Two batches of patients, three transactions in the first of them.
      limits: { batchRowsMax: 20, pageRowsMax: 20, bundleEntriesMax: 8, stagingAgeSecondsMax: 60 },
    });
    site.source.load(population(patients).sort((a, b) => rank(a) - rank(b)));
    sites.push(site);
    if (harm !== undefined) harms[instance] = { what: 'hold', ...harm };
    if (hang !== undefined)
      world.hub.faults.push({
        match: { method: 'POST', bodyIncludes: hang.text(instance) },
        action: { kind: 'hang', applied: hang.applied },
      });
  }
  // Sites that do not come to harm themselves would end their load: they are killed on the way, which is as well.
  const doomed = world.startHarmedWorker(sites, harms);
  for (const site of sites) await site.client.sync();
  await eventually('every place', () => unreached(doomed).length === 0, 90).catch((error: unknown) => {
    throw new Error(`not reached: ${unreached(doomed).join(', ')}\n${doomed.log()}`, { cause: error });
  });
  doomed.kill('SIGKILL');
  expect(await doomed.ended).toEqual({ code: null, signal: 'SIGKILL' });
  world.hub.faults.clear();
  // Streams that had ended before the process did look again, too.
  for (const site of sites) await site.client.sync();
  world.startHarmedWorker(sites);
}, 240_000);

afterAll(async () => {
  await world?.stop();
}, 30_000);

/** Patients first, so that the circles come when what they refer to is there. */
const rank = ({ resourceType }: Resource): number => (resourceType === 'Patient' ? 0 : 1);

/** What a killed fetch had staged belongs to nobody: the first tick sweeps what is old. */
async function swept({ client, config }: E2eSite): Promise<void> {
  if (readdirSync(config.stagingFolder).length === 0) return;
  await client.registerSchedules();
  await client.triggerSchedules();
  await eventually('the sweep', () => readdirSync(config.stagingFolder).length === 0);
}

/** Places where nobody stands yet. */
function unreached(doomed: Child): string[] {
  const log = doomed.log();
  return places.flatMap(({ name, hang }, index) => {
    const { instance } = sites[index]!;
    const text = hang?.text(instance);
    const reached =
      text === undefined
        ? new RegExp(`^reached ${instance}$`, 'm').test(log)
        : world.hub.requests.some(({ body }) => body?.includes(text)) &&
          (hang?.applied !== true || hubVersions(world, sites[index]!) > 0);
    return reached ? [] : [name];
  });
}

describe('a worker that is killed', () => {
  it.each(places.map(({ name }, index) => [name, index] as const))('%s', async (_name, index) => {
    const site = sites[index]!;
    const statuses = await untilSettled(site, [], 130);
    expect(statuses.map(({ type, state }) => `${type} ${state}`)).toEqual(
      statuses.map(({ type }) => `${type} current`),
    );
    await swept(site);
    await swept(site);
    expect(differences(world, site, { writtenOnce: true })).toEqual([]);
  });
});
