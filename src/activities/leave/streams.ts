/**
 * The streams of a leaving: those of the configuration, and those on the way up that it had before. What they have brought is in
 * the hub still, and somebody may configure them again.
 */
import type { Database } from '../../state/database.ts';
import { listStreams } from '../../state/streams.ts';
import { tierOf } from '../../sync/tiers.ts';
import type { StreamKey } from '../contract.ts';
import type { Parts } from '../parts.ts';

/** Whatever refers to others first: the order of a first load, from its end. */
export async function leavingStreams({
  db,
  streams,
}: Pick<Parts, 'streams'> & { readonly db: Database }): Promise<StreamKey[]> {
  const former = (await listStreams(db, 'up')).filter(
    ({ type }) => !streams.some((stream) => stream.direction === 'up' && stream.type === type),
  );
  return [...streams, ...former]
    .map(({ direction, type }) => ({ direction, type }))
    .sort((a, b) => tierOf(b.type) - tierOf(a.type) || a.type.localeCompare(b.type));
}
