/** What the feed is bringing while source and target are compared: nothing is said of it. */
import { dropSurveyed, type Survey } from '../../state/survey.ts';
import { cancelSignal, heartbeat, onSide } from '../failures.ts';
import { soundId } from '../fetch/rows.ts';
import { type Parts, sourceName } from '../parts.ts';
import { targetKey } from '../target-key.ts';

/**
 * Takes out of the survey what the feed shows above `settled`. Asked after the source was read through: what a dump saw is
 * shown by the feed by then, or will never be. Returns how many were taken out.
 */
export async function leaveMoving(parts: Parts, survey: Survey, settled: number): Promise<number> {
  const source = parts.servers[sourceName(survey.direction)];
  const hi = await onSide('source', () => source.head(survey.type, cancelSignal()));
  if (hi <= settled) return 0;
  let left = 0;
  for (let page = 1; ; page++) {
    const request = { lo: settled, hi, count: parts.limits.pageRowsMax, page, idsOnly: true };
    const { rows } = await onSide('source', () => source.page(survey.type, request, cancelSignal()));
    // A server may have a limit of its own: only an empty page is the last for sure.
    if (rows.length === 0) return left;
    const ids = rows.flatMap(({ resource }) => soundId(resource).id ?? []);
    left += await dropSurveyed(
      parts.db,
      survey,
      ids.map((id) => targetKey(parts, survey, id)),
    );
    heartbeat({ feedPages: page });
  }
}
