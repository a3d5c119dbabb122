/** The verdict on a site at rest: both directions, their cursors, and what was seen where. */
import type { Resource } from '../../src/fhir/resource.ts';
import { cursorId } from '../../src/sync/cursor.ts';
import { type CheckInput, faultsOf } from './checker.ts';
import { cursorFaults } from './history.ts';
import { phiFaults, phiInTables } from './phi.ts';
import type { Truth } from './truth.ts';
import type { Workload } from './workload.ts';
import { instanceName, type World } from './world.ts';

/** Resources in the targets, parked and quarantined. */
export interface Ended {
  readonly present: number;
  readonly parked: number;
  readonly quarantined: number;
}

export interface VerdictInput {
  readonly workload: Pick<Workload, 'foreign' | 'resyncs'>;
  readonly truths: Readonly<Record<'up' | 'down', Truth>>;
  readonly failures: readonly unknown[];
}

const isTagged =
  (code: string) =>
  (resource: Resource): boolean =>
    JSON.stringify(resource.meta ?? {}).includes(`"${code}"`);

export async function verdictOn(
  world: World,
  { workload, truths, failures }: VerdictInput,
): Promise<{ broken: string[]; ended: Ended }> {
  const { instance, hub, profile, folder, logged, leaks } = world;
  const { activities, parts } = await world.running();
  const described = await activities.describeStreams();
  const side = (direction: 'up' | 'down'): CheckInput => ({
    db: parts.db,
    described,
    direction,
    types: direction === 'up' ? profile.upTypes : profile.down ? ['Organization'] : [],
    source: direction === 'up' ? instance : hub,
    target: direction === 'up' ? hub : instance,
    truth: truths[direction],
    isForeign: (type, txid) =>
      workload.foreign.has(`${direction === 'up' ? 'hub' : 'instance'} ${type} ${String(txid)}`),
    resyncs: (type) => workload.resyncs.get(`${direction} ${type}`) ?? 0,
    isOurs: isTagged(direction === 'up' ? instanceName : 'hub'),
  });
  const broken: string[] = [];
  let present = 0;
  for (const input of [side('up'), side('down')]) {
    broken.push(...(await faultsOf(input)));
    for (const type of input.types) {
      broken.push(...cursorFaults(input.target, cursorId(instanceName, input.direction, type)));
      present += input.target.store.count(type);
    }
  }
  broken.push(...phiFaults({ hub, folder, logged, leaks, failures }));
  if (world.stores.state === 'postgres') broken.push(...(await phiInTables(parts.db)));
  const sum = (which: 'parked' | 'quarantined'): number =>
    described.reduce((total, { totals }) => total + totals[which], 0);
  return { broken, ended: { present, parked: sum('parked'), quarantined: sum('quarantined') } };
}
