/** describe-streams: the numbers of all streams as the site's state has them now, for `status`. */
import type { Activities, DescribedStream } from './contract.ts';
import { failureOf } from './failures.ts';
import type { Parts } from './parts.ts';
import { totalsOf } from './totals.ts';

export const createDescribeStreams =
  (parts: Parts): Activities['describeStreams'] =>
  async () => {
    try {
      const described: DescribedStream[] = [];
      for (const { direction, type } of parts.streams) {
        described.push({ direction, type, totals: await totalsOf(parts, { direction, type }) });
      }
      return described;
    } catch (error) {
      throw failureOf(error, 'describe-streams');
    }
  };
