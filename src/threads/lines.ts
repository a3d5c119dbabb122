/**
 * The staged form of a batch: NDJSON, one state a line, `{"e":"put","r":{…}}`, `{"e":"del","id":"…"}`, or, for a state too
 * large to be carried along, `{"e":"ref","id":"…"}`: it takes its turn among the others, and is refused there. A put line that
 * the leak guard looks after carries its mark: `{"e":"put","g":"<base64>","r":{…}}`. A delete of another type than the
 * stream's, as only a leaving has them, says which: `{"e":"del","id":"…","t":"Type"}`.
 */
import type { Resource } from '../fhir/resource.ts';

export type Line =
  | { readonly kind: 'put'; readonly resource: Resource }
  | { readonly kind: 'delete'; readonly id: string; readonly type?: string }
  | { readonly kind: 'too-large'; readonly id: string };

const putPrefix = '{"e":"put",';
const markPrefix = '"g":"';
const resourcePrefix = '"r":';
const putSuffix = '}';

/** @param mark - an encoded mark (marks.ts) */
export function putLine(resourceJson: string, mark?: Buffer): string {
  const marked = mark === undefined ? '' : `${markPrefix}${mark.toString('base64')}",`;
  return `${putPrefix}${marked}${resourcePrefix}${resourceJson}${putSuffix}\n`;
}

/** @param type - of the resource, where it may be another than the stream's */
export const deleteLine = (id: string, type?: string): string => `${JSON.stringify({ e: 'del', id, t: type })}\n`;

export const tooLargeLine = (id: string): string => `${JSON.stringify({ e: 'ref', id })}\n`;

const newline = 0x0a;
const quote = 0x22;

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

const view = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

const startsWith = (bytes: Buffer, at: number, text: string): boolean =>
  bytes.toString('latin1', at, at + text.length) === text;

/** What of a put line is what: its mark (an empty range where it has none) and its resource's own JSON. */
export interface PutFrame {
  readonly mark: { readonly start: number; readonly end: number };
  readonly start: number;
  readonly end: number;
}

/** Looks a line over without parsing it; `undefined` for all but a put. */
export function putFrame(bytes: Uint8Array, start: number, end: number): PutFrame | undefined {
  const buffer = view(bytes);
  if (!startsWith(buffer, start, putPrefix)) return undefined;
  let at = start + putPrefix.length;
  let mark = { start: at, end: at };
  if (startsWith(buffer, at, markPrefix)) {
    at += markPrefix.length;
    mark = { start: at, end: buffer.indexOf(quote, at) };
    at = mark.end + '",'.length;
  }
  return { mark, start: at + resourcePrefix.length, end: end - putSuffix.length };
}

/** The encoded mark of a put line; `undefined` where it has none. */
export function markIn(bytes: Uint8Array, { mark }: PutFrame): Buffer | undefined {
  if (mark.start === mark.end) return undefined;
  return Buffer.from(view(bytes).toString('latin1', mark.start, mark.end), 'base64');
}

/** Parses one line that this program wrote itself. */
export function parseLine(bytes: Uint8Array, start: number, end: number): Line {
  const frame = putFrame(bytes, start, end);
  const [from, to] = frame === undefined ? [start, end] : [frame.start, frame.end];
  const parsed = JSON.parse(view(bytes).toString('utf8', from, to)) as unknown;
  if (frame === undefined) {
    const { e: event, id, t: type } = parsed as { e: string; id: string; t?: string };
    if (event === 'ref') return { kind: 'too-large', id };
    return { kind: 'delete', id, ...(type !== undefined && { type }) };
  }
  return { kind: 'put', resource: parsed as Resource };
}
