/** What the demo does once its world stands: the first load, the verification, and going on. */
import { setTimeout as sleep } from 'node:timers/promises';

import { needsText, streamTable } from '../../src/cli/table.ts';
import type { StreamStatus } from '../../src/client.ts';
import { tail } from './children.ts';
import type { DemoWorld, Site } from './environment.ts';
import { DemoProblem } from './problem.ts';
import { type CursorView, readCursors, readHeads } from './progress.ts';
import { reportText } from './report.ts';
import { secondRoundAtHub, secondRoundAtInstance } from './rounds.ts';
import type { Screen } from './screen.ts';
import { takeSnapshot } from './snapshot.ts';
import { type Check, streamsAtRest, verify } from './verify.ts';

const loadMinutesMax = 5;
const roundMinutesMax = 2;
const progressEveryMs = 1_000;
/** Temporal is asked so often whether a stream needs somebody; that costs work for every stream. */
const attentionEveryMs = 15_000;
const commitsEveryMs = 10_000;

const stuck: ReadonlySet<StreamStatus['state']> = new Set(['denied', 'blocked', 'failed', 'terminated']);

/** The first load with its progress, then the table and the addresses. */
export async function loadAndTell(world: DemoWorld, screen: Screen): Promise<void> {
  const begunMs = Date.now();
  const statuses = await firstLoad(world, screen);
  screen.say(`\n${streamTable(statuses)}`);
  const needs = needsText(statuses);
  if (needs !== '') screen.say(`\n${needs}`);
  screen.say(`\nfirst load: ${secondsSince(begunMs)} s\n${addresses(world)}`);
}

/** Verifies after the first load, has people change things, syncs, and verifies again. Returns how many checks failed. */
export async function verifyTwice(world: DemoWorld, screen: Screen): Promise<number> {
  const nothing = new Map<string, string[]>();
  const first = await check(world, nothing);
  screen.say(`\n${reportText('the hub against the instances, after the first load', first)}\n`);
  screen.progress('· creating, updating and deleting at the instances and in the hub, and syncing that');
  const deleted = await secondRound(world);
  const second = await check(world, deleted);
  screen.say(`\n${reportText('after these changes', second)}\n`);
  return [...first, ...second].filter(({ problems }) => problems.length > 0).length;
}

/** Tells of every commit until it is interrupted. */
export async function goOn(world: DemoWorld, screen: Screen): Promise<never> {
  screen.say(`\n${whatToTry(world)}\n\nsyncing every 10 s; Ctrl-C stops everything`);
  const servers = serversOf(world);
  let before = await readCursors(servers);
  let toldNeeds = '';
  for (let look = 1; ; look++) {
    await sleep(commitsEveryMs);
    const now = await readCursors(servers);
    for (const cursor of now.values()) {
      const line = commitLine(cursor, before.get(cursor.id));
      if (line !== undefined) screen.say(`${new Date().toLocaleTimeString('en-GB')} ${line}`);
    }
    before = now;
    if (look % 6 !== 0) continue;
    const needs = needsText(await allStatuses(world));
    if (needs !== toldNeeds && needs !== '') screen.say(needs);
    toldNeeds = needs;
  }
}

async function firstLoad(world: DemoWorld, screen: Screen): Promise<StreamStatus[]> {
  const begunMs = Date.now();
  await Promise.all(world.sites.map(({ client }) => asked(world, client.triggerSchedules())));
  const heads = await readHeads(world.sites, world.hub);
  let lookAtMs = begunMs + attentionEveryMs;
  for (;;) {
    const cursors = await readCursors(serversOf(world));
    const loaded = [...heads].filter(([id, head]) => (cursors.get(id)?.version ?? 0) >= head).length;
    const committed = [...cursors.values()].reduce((sum, cursor) => sum + cursor.committed, 0);
    screen.progress(
      `· first load: ${String(loaded)} of ${String(heads.size)} streams, ` +
        `${committed.toLocaleString('en')} resources committed, ${secondsSince(begunMs)} s`,
    );
    if (loaded === heads.size) return settled(world, [], begunMs + loadMinutesMax * 60_000);
    if (Date.now() > lookAtMs) {
      lookAtMs = Date.now() + attentionEveryMs;
      const statuses = await allStatuses(world);
      if (statuses.every(({ state }) => state === 'current' || stuck.has(state))) return statuses;
    }
    if (Date.now() - begunMs > loadMinutesMax * 60_000) throw await unfinished(world, loadMinutesMax);
    await sleep(progressEveryMs);
  }
}

/** What people change; then the streams of those types sync. Returns what each site deleted that the hub had. */
async function secondRound(world: DemoWorld): Promise<Map<string, string[]>> {
  const deleted = new Map<string, string[]>();
  await secondRoundAtHub(world.hub);
  for (const { config, admin } of world.sites)
    deleted.set(config.instance, await secondRoundAtInstance(admin, config.instance));
  const types = ['Communication', 'Condition', 'Encounter', 'Observation', 'Organization', 'Patient'];
  await Promise.all(world.sites.map(({ client }) => asked(world, client.sync(types))));
  await settled(world, types, Date.now() + roundMinutesMax * 60_000);
  return deleted;
}

/** The statuses once all of these types' streams are at rest. */
async function settled(world: DemoWorld, types: readonly string[], untilMs: number): Promise<StreamStatus[]> {
  const waits = world.sites.map(({ client }) => client.waitUntilSettled(types));
  const timer = new AbortController();
  const late = sleep(Math.max(0, untilMs - Date.now()), undefined, { signal: timer.signal }).catch(() => undefined);
  const statuses = await asked(world, Promise.race([Promise.all(waits), late]));
  timer.abort();
  if (statuses === undefined) throw await unfinished(world, loadMinutesMax);
  return statuses.flat();
}

async function check(world: DemoWorld, deleted: ReadonlyMap<string, string[]>): Promise<Check[]> {
  const [hub, statuses, ...servers] = await Promise.all([
    takeSnapshot(world.hub),
    allStatuses(world),
    ...world.sites.map(({ admin }) => takeSnapshot(admin)),
  ]);
  const sites = world.sites.map(({ config, policyDigest }: Site, index) => {
    const typesOf = (wanted: string): string[] =>
      config.streams.filter(({ direction }) => direction === wanted).map(({ type }) => type);
    const { pseudonym } = config.keys;
    return {
      instance: config.instance,
      up: typesOf('up'),
      down: typesOf('down'),
      keys: {
        pseudonymKeyVersion: pseudonym.currentVersion,
        pseudonymKey: pseudonym.key(pseudonym.currentVersion),
      },
      policyDigest,
      dropsDeviceText: config.steps.some(({ name }) => name === 'drop-device-text'),
      deletedLater: deleted.get(config.instance) ?? [],
      server: servers[index] ?? { versions: [] },
    };
  });
  return [streamsAtRest(statuses), ...verify({ hub, sites })];
}

async function allStatuses(world: DemoWorld): Promise<StreamStatus[]> {
  return (await asked(world, Promise.all(world.sites.map(({ client }) => client.status())))).flat();
}

/** What Temporal is asked; where it does not answer, a problem that says so. */
async function asked<Value>({ temporalAddress, temporalLog }: DemoWorld, answer: Promise<Value>): Promise<Value> {
  try {
    return await answer;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new DemoProblem(
      `Temporal does not answer at ${temporalAddress} (${why}). The end of its log:\n${tail(temporalLog)}`,
    );
  }
}

/** What each stream that is not done is doing. */
async function unfinished(world: DemoWorld, minutes: number): Promise<DemoProblem> {
  const open = (await allStatuses(world)).filter(({ state }) => state !== 'current');
  const lines = open.map(({ instance, direction, type, state, waitingFor = [], need, totals }) => {
    const waits = waitingFor.length > 0 ? ` for ${waitingFor.join(', ')}` : '';
    const parked = totals !== undefined && totals.parked > 0 ? `, ${String(totals.parked)} parked` : '';
    return `  ${instance} ${direction} ${type}: ${state}${waits}${parked}${need === undefined ? '' : `. ${need.means} ${need.cure}`}`;
  });
  return new DemoProblem(
    `not done after ${String(minutes)} minutes; ${String(open.length)} streams are not caught up:\n${lines.join('\n')}`,
  );
}

function commitLine(now: CursorView, before: CursorView | undefined): string | undefined {
  if (now.sequence === before?.sequence) return undefined;
  const many = (what: 'committed' | 'deleted' | 'unchanged'): string[] => {
    const more = now[what] - (before?.[what] ?? 0);
    return more > 0 ? [`${String(more)} ${what}`] : [];
  };
  const counts = [...many('committed'), ...many('deleted'), ...many('unchanged')];
  return `${now.instance} ${now.direction} ${now.type}: ${counts.join(', ') || 'nothing to write'}`;
}

const serversOf = ({ hub, sites }: DemoWorld): DemoWorld['hub'][] => [hub, ...sites.map(({ admin }) => admin)];

const secondsSince = (ms: number): string => String(Math.round((Date.now() - ms) / 1_000));

function addresses({ uiUrl, hub, sites, temporalAddress }: DemoWorld): string {
  const lines = [
    ['Temporal', uiUrl === undefined ? temporalAddress : `${temporalAddress}, with its UI at ${uiUrl}`],
    ['hub', hub.url],
    ...sites.map(({ config, admin }) => [config.instance, admin.url]),
  ];
  return lines.map(([name = '', where = '']) => `${name.padEnd(9)} ${where}`).join('\n');
}

/** A change by hand, and where to see what became of it. */
function whatToTry({ sites, hub }: DemoWorld): string {
  const [site] = sites;
  if (site === undefined) return '';
  const { admin, config } = site;
  const newcomer = '{"resourceType":"Patient","id":"newcomer","gender":"female","name":[{"family":"Somebody"}]}';
  const json = "-H 'content-type: application/json'";
  return [
    `a change at ${config.instance}, and what the hub makes of it within ten seconds or so:`,
    `  curl -u ${admin.client}:${admin.secret} -X PUT ${json} ${admin.url}/fhir/Patient/newcomer -d '${newcomer}'`,
    `  curl -u ${hub.client}:${hub.secret} '${hub.url}/fhir/Patient?_sort=-_lastUpdated&_count=1'`,
  ].join('\n');
}
