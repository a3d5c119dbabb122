/** Addresses of the net by their form: IPv4 and IPv6 (RFC 4291, 2.2), a prefix length with them. */

const v4 = /(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})(?!\d)(?!\.\d)/y;
const v6Units = /[0-9a-f:]{2,39}(?:\.\d{1,3}){0,3}/y;
const prefixLength = /\/\d{1,3}(?!\d)/y;
const midGroups = /(?:^|[^0-9a-z])[0-9a-f]{1,4}:$/;
const group = /^[0-9a-f]{1,4}$/;

const isOctets = (parts: readonly string[]): boolean =>
  parts.length === 4 && parts.every((part) => Number(part) <= 255);

function withPrefix(text: string, end: number): number {
  prefixLength.lastIndex = end;
  return prefixLength.test(text) ? prefixLength.lastIndex : end;
}

function isV6(address: string): boolean {
  if (!address.includes(':')) return false;
  const halves = address.split('::');
  if (halves.length > 2) return false;
  const groups = halves.flatMap((half) => (half === '' ? [] : half.split(':')));
  const last = groups.at(-1);
  const mapped = last?.includes('.') === true;
  if (mapped && !isOctets(last.split('.'))) return false;
  if (!groups.every((one, index) => group.test(one) || (mapped && index === groups.length - 1))) return false;
  const count = groups.length + (mapped ? 1 : 0);
  // `::1` and the like are short, but 'a::b' is a C++ name: with a gap at least two groups, or the loopback.
  return halves.length === 2 ? count <= 7 && (count >= 3 || /[0-9]/.test(address)) : count === 8;
}

/** Where the address ends that begins at `at`; -1 where there is none. */
export function ipEnd(text: string, at: number): number {
  const before = text.charAt(at - 1);
  if (before === '.' && /[0-9]/.test(text.charAt(at - 2))) return -1;
  v4.lastIndex = at;
  const match = v4.exec(text);
  if (match !== null && isOctets(match.slice(1))) return withPrefix(text, v4.lastIndex);
  // Within a row of groups nothing begins: it was tried at the first of them.
  if (before === ':' && midGroups.test(text.slice(Math.max(0, at - 6), at))) return -1;
  v6Units.lastIndex = at;
  if (!v6Units.test(text)) return -1;
  let end = v6Units.lastIndex;
  // A colon or point that ends a sentence is none of it.
  while (end > at && text.charAt(end - 1) === ':' && text.charAt(end - 2) !== ':') end--;
  if (/[0-9a-z]/.test(text.charAt(end))) return -1;
  return isV6(text.slice(at, end)) ? withPrefix(text, end) : -1;
}
