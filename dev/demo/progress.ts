/**
 * How far the first load is: cursors in the targets against the newest versions of the sources. Four requests to the
 * doubles, where Temporal would be asked of every stream; with two cores that is what the load itself needs.
 */
import type { JsonObject } from '../../src/fhir/resource.ts';
import type { Site } from './environment.ts';
import { type Admin, ask } from './snapshot.ts';

/** A stream's cursor, as far as the demo tells of it. */
export interface CursorView {
  readonly id: string;
  readonly instance: string;
  readonly direction: string;
  readonly type: string;
  readonly version: number;
  readonly sequence: number;
  readonly committed: number;
  readonly deleted: number;
  readonly unchanged: number;
}

const cursorsMax = 10_000;

/** Every cursor of the servers, by id. */
export async function readCursors(servers: readonly Admin[]): Promise<Map<string, CursorView>> {
  const path = `/fhir/ChangesInfo?_count=${String(cursorsMax)}`;
  const answers = await Promise.all(servers.map((admin) => ask(admin, 'GET', path)));
  const found = answers
    .flatMap(({ body }) => (body.entry ?? []) as { resource: JsonObject }[])
    .filter(({ resource }) => resource.kind === 'cursor')
    .map(({ resource }) => viewOf(resource));
  return new Map(found.map((cursor) => [cursor.id, cursor]));
}

function viewOf(resource: JsonObject): CursorView {
  const counts = resource.counts as Record<string, number>;
  const { id, instance, direction, type, version, sequence } = resource as unknown as CursorView;
  const { committed = 0, deleted = 0, unchanged = 0 } = counts;
  return { id, instance, direction, type, version, sequence, committed, deleted, unchanged };
}

/** The newest version of each stream's source, by the stream's cursor id; of those that have any. */
export async function readHeads(sites: readonly Site[], hub: Admin): Promise<Map<string, number>> {
  const asked = sites.flatMap(({ config, admin }) =>
    config.streams.map(async ({ direction, type }): Promise<[string, number]> => {
      const { body } = await ask(direction === 'up' ? admin : hub, 'GET', `/${type}/$changes`);
      return [`${config.instance}.${direction}.${type}`, Number(body.version)];
    }),
  );
  return new Map((await Promise.all(asked)).filter(([, head]) => head > 0));
}
