/**
 * Groups: runs that people write apart and mean together. `123-45-6789`, `(555) 123-4567`, `AB12 CD34`, O'Brien, SW1A 1AA.
 * Identifiers have no separators when they are compared, so every group is joined with those after it that may be part
 * of the same; eight at most, forty characters, so the time is in proportion to the text.
 */
import { groupedDigitsMin, isDashed, numberTokens, writtenNumber } from './numbers.ts';
import { gap, hasDigit, unspaced } from './runs.ts';
import type { Runs } from './runs.ts';
import { usualGroupsEnd } from './usual-groups.ts';

/** Where tokens go: of letters alone as a name that may be a word, all others as they are. */
export interface GroupSink {
  readonly token: (token: string, start: number, end: number) => void;
  readonly name: (word: string, at: number, start: number, end: number) => void;
}

const runsMax = 8;
const wordRunsMax = 4;
const lengthMax = 40;
const identifierLengthMin = 4;
/** Three only where a character ties them: `X-99`, not `a 10`. */
const tightLengthMin = 3;
const wordLengthMin = 3;
const shortGroup = 4;
const postalLength = { min: 5, max: 9 };

/** Few digits in groups are a blood pressure or a LOINC code far more often: those count as they are written. */
function scanNumber(text: string, digits: string, start: number, end: number, sink: GroupSink): void {
  if (digits.length >= groupedDigitsMin || isDashed(text, start, end)) {
    for (const token of numberTokens(digits)) sink.token(token, start, end);
  }
  const written = writtenNumber(digits, text.slice(start, end));
  if (written !== undefined) sink.token(written, start, end);
}

/** Whether a space before run `next` may stand within an identifier: `AB12 CD34`, `GB29 NWBK 6016`. */
function isWithin({ starts, ends, kinds }: Runs, next: number): boolean {
  const isShort = (run: number): boolean => (ends[run] ?? 0) - (starts[run] ?? 0) <= shortGroup;
  const digitsBefore = ((kinds[next - 1] ?? 0) & hasDigit) !== 0;
  const digitsAfter = ((kinds[next] ?? 0) & hasDigit) !== 0;
  return digitsBefore && digitsAfter ? true : (digitsBefore || digitsAfter) && isShort(next - 1) && isShort(next);
}

/** Postal codes in two groups: ZIP+4, SW1A 1AA, K1A 0B1, 100-0001, 1012 AB; `123 45` as it is written. */
function scanPostal(text: string, runs: Runs, at: number, sink: GroupSink): void {
  const { starts, ends, kinds } = runs;
  const start = starts[at] ?? 0;
  const end = ends[at + 1] ?? 0;
  const between = text.charAt(ends[at] ?? 0);
  const length = end - start - 1;
  if ((between !== '-' && between !== ' ') || length < postalLength.min || length > postalLength.max) return;
  const numbers = kinds[at] === hasDigit && kinds[at + 1] === hasDigit;
  const kept = numbers && between === ' ' ? ' ' : '';
  sink.token(`z:${text.slice(start, ends[at])}${kept}${text.slice(starts[at + 1], end)}`, start, end);
}

/** Tokens of run `at` with the runs after it. `all`: words and postal codes too. */
export function scanGroups(text: string, runs: Runs, at: number, all: boolean, sink: GroupSink): void {
  const { starts, ends, kinds, gaps } = runs;
  const start = starts[at] ?? 0;
  let kind = kinds[at] ?? 0;
  const usualEnd = kind === hasDigit ? usualGroupsEnd(text, runs, at) : 0;
  if (usualEnd > 0) {
    for (const token of numberTokens(text.slice(start, usualEnd).replace(/[^0-9]/g, '')))
      sink.token(token, start, usualEnd);
  }
  let joined = '';
  let tight = true;
  for (let next = at + 1; next < at + runsMax && next < starts.length; next++) {
    const bits = gaps[next] ?? 0;
    const nextKind = kinds[next] ?? 0;
    if (nextKind === unspaced) return;
    if ((bits & gap.tight) === 0) {
      tight = false;
      const numbers = kind === hasDigit && nextKind === hasDigit && (bits & gap.numeric) !== 0;
      if (!numbers && !((bits & gap.space) !== 0 && isWithin(runs, next))) return;
    }
    if (joined === '') joined = text.slice(start, ends[at]);
    kind |= nextKind;
    const isNeighbour = next === at + 1 && (bits & (gap.tight | gap.space)) !== 0;
    if (all && isNeighbour && (kind & hasDigit) !== 0) scanPostal(text, runs, at, sink);
    const end = ends[next] ?? 0;
    if (joined.length + end - (starts[next] ?? 0) > lengthMax) return;
    joined += text.slice(starts[next], end);
    if (kind === hasDigit) scanNumber(text, joined, start, end, sink);
    else if ((kind & hasDigit) !== 0) {
      if (joined.length >= (tight ? tightLengthMin : identifierLengthMin)) sink.token(joined, start, end);
    } else if (tight && all && next < at + wordRunsMax && joined.length >= wordLengthMin)
      sink.name(joined, at, start, end);
  }
}
