/**
 * A worker is killed (SIGKILL) at every place of a batch's way, and another takes over: nothing is lost, nothing has
 * effect twice. A stream for each place, and all of them at once, since Temporal waits a heartbeat's minute for each.
 */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';

import type { Child } from '../support/e2e-children.ts';
import { differences } from '../support/e2e-check.ts';
import { note, population, range, testPolicy } from '../support/e2e-data.ts';
import type { Harm } from '../support/e2e-harmed-worker.ts';
import { type E2eSite, E2eWorld, eventually, untilSettled } from '../support/e2e-world.ts';

jest.setTimeout(180_000);

/** Where a stream stands when its worker is killed. */
interface Place {
  readonly instance: string;
  readonly type: string;
  readonly harm?: Pick<Harm, 'when' | 'activity' | 'execution'>;
  /** Or the hub never answers the transaction that carries the cursor, or one in front of it. */
  readonly hang?: { readonly carries: 'cursor' | 'lane'; readonly applied: boolean };
}

const step = (instance: string, type: string, when: Harm['when'], activity: string, execution = 1): Place => ({
  instance,
  type,
  harm: { when, activity, execution },
});

/** Of one tier, and without references: so that none waits for another that is held. */
const places: readonly Place[] = [
  step('steps', 'Observation', 'before', 'fetchChanges'),
  step('steps', 'Procedure', 'after', 'fetchChanges'),
  step('steps', 'Immunization', 'before', 'anonymize'),
  step('steps', 'ImagingStudy', 'after', 'anonymize'),
  step('steps', 'MedicationDispense', 'before', 'authorize'),
  step('steps', 'MedicationStatement', 'after', 'authorize'),
  step('steps', 'Media', 'before', 'commit'),
  step('steps', 'QuestionnaireResponse', 'after', 'commit'),
  { instance: 'commits', type: 'Observation', hang: { carries: 'cursor', applied: true } },
  { instance: 'commits', type: 'Procedure', hang: { carries: 'cursor', applied: false } },
  { instance: 'commits', type: 'Immunization', hang: { carries: 'lane', applied: true } },
  { instance: 'commits', type: 'ImagingStudy', hang: { carries: 'lane', applied: false } },
  step('commits', 'Media', 'after', 'commit', 2),
  // Encounter and Condition refer to each other: one is parked, the other closes the circles.
  step('circles-a', 'Condition', 'before', 'commit'),
  step('circles-b', 'Condition', 'after', 'commit'),
];

const instances = [...new Set(places.map(({ instance }) => instance))];

let world: E2eWorld;
const sites = new Map<string, E2eSite>();

/** How the hanging transaction is told from others. */
const textOf = ({ instance, type, hang }: Place): string =>
  hang?.carries === 'cursor'
    ? `"id":"${instance}.up.${type}","kind":"cursor"`
    : `"id":"${instance}.up.${type}.l0","kind":"lane"`;

async function addSite(instance: string): Promise<E2eSite> {
  const circles = instance.startsWith('circles');
  const types = places.filter((place) => place.instance === instance).map(({ type }) => type);
  const site = await world.addSite({
    instance,
    upTypes: circles ? ['Patient', 'Encounter', 'Condition'] : types,
    downTypes: circles ? ['Organization'] : [],
    policy: testPolicy,
    // Two batches of a type, and three transactions in the first of them.
    limits: { batchRowsMax: 20, pageRowsMax: 20, bundleEntriesMax: 8, stagingAgeSecondsMax: 60 },
  });
  site.source.load(circles ? population(8) : types.flatMap((type) => range(26).map((n) => note(type, n))));
  return site;
}

beforeAll(async () => {
  world = await E2eWorld.start({ hub: { record: 'bodies' } });
  world.hub.load([{ resourceType: 'Organization', id: 'org-1' }]);
  for (const instance of instances) sites.set(instance, await addSite(instance));
  const all = [...sites.values()];
  const harms = places.flatMap(({ instance, type, harm }): Harm[] =>
    harm === undefined ? [] : [{ what: 'hold', instance, type, ...harm }],
  );
  for (const place of places) {
    if (place.hang === undefined) continue;
    world.hub.faults.push({
      match: { method: 'POST', bodyIncludes: textOf(place) },
      action: { kind: 'hang', applied: place.hang.applied },
    });
  }
  const doomed = world.startHarmedWorker(all, harms);
  for (const site of all) await site.client.sync();
  await eventually('every place', () => unreached(doomed).length === 0, 120).catch((error: unknown) => {
    throw new Error(`not reached: ${unreached(doomed).join(', ')}\n${doomed.log()}`, { cause: error });
  });
  doomed.kill('SIGKILL');
  expect(await doomed.ended).toEqual({ code: null, signal: 'SIGKILL' });
  world.hub.faults.clear();
  // Streams that had ended before the process did look again, too.
  for (const site of all) await site.client.sync();
  world.startHarmedWorker(all);
}, 300_000);

afterAll(async () => {
  await world?.stop();
}, 30_000);

const nameOf = ({ type, harm, hang }: Place): string => {
  if (harm !== undefined) return `${type}, ${harm.when} ${harm.activity} ${String(harm.execution)}`;
  const what = hang?.carries === 'cursor' ? 'with the cursor' : 'in front of it';
  return `${type}, in commit: the transaction ${what} ${hang?.applied === true ? 'is written, the answer lost' : 'never arrives'}`;
};

/** Places where nobody stands yet. */
function unreached(doomed: Child): string[] {
  const lines = doomed.log().split('\n');
  const reached = (place: Place): boolean =>
    place.hang === undefined
      ? lines.includes(`reached ${place.instance} ${place.type}`)
      : world.hub.requests.some(({ body }) => body?.includes(textOf(place))) &&
        (!place.hang.applied ||
          world.hub.list(place.type).some((resource) => JSON.stringify(resource).includes(place.instance)));
  return places.filter((place) => !reached(place)).map(nameOf);
}

/** What a killed fetch had staged belongs to nobody: the first tick sweeps what is old. */
async function swept({ client, config }: E2eSite): Promise<void> {
  const batches = readdirSync(config.stagingFolder);
  if (batches.length === 0) return;
  const writtenMs = Math.max(...batches.map((name) => statSync(join(config.stagingFolder, name)).mtimeMs));
  await sleep(Math.max(0, writtenMs + (config.limits.stagingAgeSecondsMax + 2) * 1_000 - Date.now()));
  await client.registerSchedules();
  await client.triggerSchedules();
  await eventually('the sweep', () => readdirSync(config.stagingFolder).length === 0);
}

describe('all is there, once, after a worker was killed', () => {
  it.each(instances)('the streams of %s', async (instance) => {
    const site = sites.get(instance)!;
    const statuses = await untilSettled(site, [], 150);
    expect(statuses.filter(({ state }) => state !== 'current')).toEqual([]);
    await swept(site);
  });

  it.each(places.map((place) => [nameOf(place), place] as const))('%s', (_name, { instance, type }) => {
    const found = differences(world, sites.get(instance)!, { writtenOnce: true });
    expect(found.filter((line) => line.includes(type))).toEqual([]);
  });

  it.each(instances)('%s as a whole', (instance) => {
    expect(differences(world, sites.get(instance)!, { writtenOnce: true })).toEqual([]);
  });
});
