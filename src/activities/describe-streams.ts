/** describe-streams: the numbers of all streams as the site's state has them now, for `status`. */
import { currentDeparture } from '../state/departures.ts';
import { lastResync } from '../state/resyncs.ts';
import { lastReport } from '../state/survey.ts';
import type { Activities, DescribedStream, Reconciled, ReconcileReport, StreamKey } from './contract.ts';
import { failureOf } from './failures.ts';
import type { Parts } from './parts.ts';
import { totalsOf } from './totals.ts';

export const createDescribeStreams =
  (parts: Parts): Activities['describeStreams'] =>
  async () => {
    try {
      const left = (await currentDeparture(parts.db)) === undefined ? {} : ({ left: true } as const);
      const described: DescribedStream[] = [];
      for (const { direction, type } of parts.streams) {
        const stream = { direction, type };
        const reconciled = await reconciledOf(parts, stream);
        const resync = await lastResync(parts.db, stream);
        described.push({
          ...stream,
          totals: await totalsOf(parts, stream),
          ...(resync && { resync }),
          ...(reconciled && { reconciled }),
          ...left,
        });
      }
      return described;
    } catch (error) {
      throw failureOf(error, 'describe-streams');
    }
  };

async function reconciledOf({ db }: Parts, stream: StreamKey): Promise<Reconciled | undefined> {
  const last = await lastReport(db, stream);
  if (last === undefined) return undefined;
  const { drift, repair } = last.report as ReconcileReport;
  return { atMs: last.atMs, differing: Object.values(drift).reduce((sum, count) => sum + count, 0), repair };
}
