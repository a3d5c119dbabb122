/** `npm run demo`: the whole thing on this machine, with synthetic data. `--once` does the first load and verifies it. */
import { setTimeout as sleep } from 'node:timers/promises';

import { needsText, streamTable } from '../src/cli/table.ts';
import type { StreamStatus } from '../src/client.ts';
import { type DemoWorld, startDemo } from './demo/environment.ts';

const once = process.argv.includes('--once');
const say = (line: string): void => {
  console.log(`· ${line}`);
};

const world = await startDemo(say);
let stopping = false;
const stop = async (code: number): Promise<never> => {
  if (!stopping) {
    stopping = true;
    await world.stop();
  }
  process.exit(code);
};
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    console.log('\nstopping…');
    void stop(0);
  });
}
world.onUnexpectedEnd((name, logFile) => {
  console.error(`${name} ended by itself; its output is in ${logFile}`);
});

const begun = Date.now();
for (const { client } of world.sites) await client.triggerSchedules();
const statuses = await firstLoad(world);
console.log(`\n${streamTable(statuses)}`);
const needs = needsText(statuses);
if (needs !== '') console.log(`\n${needs}`);
console.log(`\nfirst load: ${String(Math.round((Date.now() - begun) / 1_000))} s`);
addresses(world);
if (once) await stop(0);
console.log('\nsyncing every 10 s; Ctrl-C stops everything');

function addresses({ uiUrl, hubUrl, sites, temporalAddress }: DemoWorld): void {
  console.log(`\nTemporal ${temporalAddress}${uiUrl === undefined ? '' : ` · UI ${uiUrl}`}`);
  console.log(`hub ${hubUrl} · ${sites.map(({ config, url }) => `${config.instance} ${url}`).join(' · ')}`);
}

async function allStatuses({ sites }: DemoWorld): Promise<StreamStatus[]> {
  return (await Promise.all(sites.map(({ client }) => client.status()))).flat();
}

async function firstLoad(demo: DemoWorld): Promise<StreamStatus[]> {
  for (;;) {
    const now = await allStatuses(demo);
    const done = now.filter((status) => status.state === 'current').length;
    const committed = now.reduce((sum, status) => sum + (status.totals?.counts.committed ?? 0), 0);
    say(`${String(done)} of ${String(now.length)} streams caught up, ${String(committed)} resources committed`);
    if (now.every((status) => ['current', 'denied', 'blocked', 'failed'].includes(status.state))) return now;
    await sleep(1_500);
  }
}
