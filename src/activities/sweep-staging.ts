/** Deletes what crashes left in staging, once in a while. */
import { splitLabel } from '../sync/commit-label.ts';
import { nowAndThen } from './now-and-then.ts';
import type { Parts } from './parts.ts';

const isTime = nowAndThen(10 * 60_000);

export async function sweepStaging(parts: Parts): Promise<void> {
  if (!isTime(parts)) return;
  const open = await parts.db.selectFrom('streams').select('open_commit').where('open_commit', '!=', '').execute();
  const keep = new Set(open.map((row) => splitLabel((JSON.parse(row.open_commit) as { label: string }).label)[0]));
  const batches = await parts.staging.sweep(parts.limits.stagingAgeSecondsMax, (batch) => keep.has(batch));
  if (batches > 0) parts.log.info('staging-swept', { batches });
}
