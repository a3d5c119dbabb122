/** The staged form of a batch: NDJSON, one state a line, `{"e":"put","r":{…}}` or `{"e":"del","id":"…"}`. */
import type { Resource } from '../fhir/resource.ts';

export type Line =
  { readonly kind: 'put'; readonly resource: Resource } | { readonly kind: 'delete'; readonly id: string };

const putPrefix = '{"e":"put","r":';
const putSuffix = '}';

/** Where in a put line the resource's own JSON begins and how many bytes follow it. */
export const putFrame = { before: putPrefix.length, after: putSuffix.length } as const;

export const putLine = (resourceJson: string): string => `${putPrefix}${resourceJson}${putSuffix}\n`;
export const deleteLine = (id: string): string => `${JSON.stringify({ e: 'del', id })}\n`;

const newline = 0x0a;

/** The lines of some bytes, as byte ranges without their line ends. */
export function* lineRanges(bytes: Uint8Array): Generator<{ start: number; end: number }> {
  let start = 0;
  while (start < bytes.length) {
    const found = bytes.indexOf(newline, start);
    const end = found === -1 ? bytes.length : found;
    if (end > start) yield { start, end };
    start = end + 1;
  }
}

/** Parses one line that this program wrote itself. */
export function parseLine(bytes: Uint8Array, start: number, end: number): Line {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('utf8');
  const parsed = JSON.parse(text) as { e: 'put'; r: Resource } | { e: 'del'; id: string };
  return parsed.e === 'put' ? { kind: 'put', resource: parsed.r } : { kind: 'delete', id: parsed.id };
}
