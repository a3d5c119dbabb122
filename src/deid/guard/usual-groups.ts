/**
 * Numbers in the groups that people make of any number, be it of five or six digits: in threes from the end (`98 765`,
 * `889.213`, `1,889,213`) or in three pairs (`88 92 13`). Other groups are a blood pressure or a code.
 */
import { hasDigit } from './runs.ts';
import type { Runs } from './runs.ts';

const separators = " .,'";
const groupsMax = 8;

/** Where the number ends whose groups begin with run `at`, and that is all of it; 0 where there is none. */
export function usualGroupsEnd(text: string, { starts, ends, kinds }: Runs, at: number): number {
  const first = (ends[at] ?? 0) - (starts[at] ?? 0);
  const separator = text.charAt(ends[at] ?? 0);
  if (first > 3 || separator === '' || !separators.includes(separator)) return 0;
  const follows = (run: number): boolean =>
    kinds[run] === hasDigit &&
    kinds[run - 1] === hasDigit &&
    starts[run] === (ends[run - 1] ?? 0) + 1 &&
    text.charAt(ends[run - 1] ?? 0) === separator;
  const isGroup = (run: number, length: number): boolean =>
    follows(run) && (ends[run] ?? 0) - (starts[run] ?? 0) === length;
  let last = at;
  while (last - at < groupsMax && isGroup(last + 1, 3)) last++;
  if (last === at && first === 2 && separator !== ',' && isGroup(at + 1, 2) && isGroup(at + 2, 2)) last = at + 2;
  // Part of something longer is told by the groups of that.
  return last === at || follows(last + 1) || follows(at) ? 0 : (ends[last] ?? 0);
}
