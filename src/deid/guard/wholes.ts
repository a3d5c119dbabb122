/**
 * Identifiers of a form of their own, told by it and compared whole: UUIDs, OIDs, IP addresses.
 * Their groups are not compared: those of OIDs are everybody's, those of a UUID mean nothing.
 */
import { numberTokens } from './numbers.ts';
import { gap, hasDigit } from './runs.ts';
import type { Runs } from './runs.ts';

const uuidForm = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const uuidLength = 36;
const oidLengthMax = 80;
const arcsMin = 4;
/** An OID's last number is compared by itself when it is long: it was made for one thing. */
const ownArcLengthMin = 8;
const point = '.'.charCodeAt(0);

/** Neither a dash before the first of these runs nor one after the last makes them part of something longer. */
function standsAlone(text: string, { starts, ends, gaps }: Runs, first: number, last: number): boolean {
  const before = ((gaps[first] ?? 0) & gap.tight) !== 0 ? text.charAt((starts[first] ?? 0) - 1) : ' ';
  const after = ((gaps[last + 1] ?? 0) & gap.tight) !== 0 ? text.charAt(ends[last] ?? 0) : ' ';
  return !'-_.'.includes(before) && !'-_.'.includes(after);
}

/** RFC 9562: five groups of hexadecimal digits. */
export function uuidAt(text: string, runs: Runs, at: number): { token: string; end: number } | undefined {
  const start = runs.starts[at] ?? 0;
  const end = start + uuidLength;
  if (runs.ends[at] !== start + 8 || runs.ends[at + 4] !== end || !standsAlone(text, runs, at, at + 4))
    return undefined;
  const whole = text.slice(start, end);
  return uuidForm.test(whole) ? { token: whole.replaceAll('-', ''), end } : undefined;
}

/** Four or more numbers with points: an OID, an IP address, or a phone number. */
export function oidAt(text: string, runs: Runs, at: number): { tokens: string[]; end: number } | undefined {
  const { starts, ends, kinds } = runs;
  if (kinds[at] !== hasDigit) return undefined;
  const start = starts[at] ?? 0;
  let last = at;
  while (
    kinds[last + 1] === hasDigit &&
    text.charCodeAt(ends[last] ?? 0) === point &&
    (starts[last + 1] ?? 0) === (ends[last] ?? 0) + 1 &&
    (ends[last + 1] ?? 0) - start <= oidLengthMax
  ) {
    last++;
  }
  if (last - at + 1 < arcsMin || !standsAlone(text, runs, at, last)) return undefined;
  const end = ends[last] ?? 0;
  const whole = text.slice(start, end);
  const arc = text.slice(starts[last], end);
  const own = arc.length >= ownArcLengthMin ? numberTokens(arc) : [];
  return { tokens: [`o:${whole}`, ...numberTokens(whole.replaceAll('.', '')), ...own], end };
}
