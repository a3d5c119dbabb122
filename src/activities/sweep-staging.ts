/** Deletes what crashes left in staging, once in a while. */
import { splitLabel } from '../sync/commit-label.ts';
import type { Parts } from './parts.ts';

const everyMs = 10 * 60_000;
/** When each site's staging was swept last. */
const sweptMs = new WeakMap<Parts, number>();

export async function sweepStaging(parts: Parts): Promise<void> {
  if (parts.now() - (sweptMs.get(parts) ?? 0) < everyMs) return;
  sweptMs.set(parts, parts.now());
  const open = await parts.db.selectFrom('streams').select('open_commit').where('open_commit', '!=', '').execute();
  const keep = new Set(open.map((row) => splitLabel((JSON.parse(row.open_commit) as { label: string }).label)[0]));
  const batches = await parts.staging.sweep(parts.limits.stagingAgeSecondsMax, (batch) => keep.has(batch));
  if (batches > 0) parts.log.info('staging-swept', { batches });
}
