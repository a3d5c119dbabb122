/**
 * Is a stream NDJSON, or one JSON document? Told from its beginning, and from its name where that says so.
 *
 * - The first line is a JSON value, and something follows: NDJSON. Nothing follows: a document, written compactly.
 * - It is none, but the line behind it is a resource by itself: NDJSON with a broken first line.
 * - Otherwise it is the beginning of a document over several lines.
 */
import type { InputBounds } from './bounds.ts';
import { replay } from './replay.ts';

export type Form = 'lines' | 'document';

/** A stream whose form is known, still to be read from its start. */
export interface Formed {
  readonly form: Form;
  readonly bytes: AsyncIterable<Uint8Array>;
}

const newline = 0x0a;
const byName = /\.(ndjson|jsonl)(\.gz)?$/i;

export async function formOf(
  source: AsyncIterable<Uint8Array>,
  name: string,
  { recordBytesMax }: InputBounds,
): Promise<Formed> {
  const chunks = source[Symbol.asyncIterator]();
  const head: Uint8Array[] = [];
  if (byName.test(name)) return { form: 'lines', bytes: replay(head, chunks) };
  const judge = new Judge();
  let headBytes = 0;
  let form: Form | undefined;
  while (form === undefined) {
    const next = await chunks.next();
    if (next.done === true) form = judge.look(Buffer.concat(head), true) ?? 'lines';
    else {
      head.push(next.value);
      headBytes += next.value.length;
      if (judge.caresFor(next.value)) form = judge.look(Buffer.concat(head), false);
      // Too large either way. Behind a line that never ends there may be others; a document ends here.
      if (headBytes > recordBytesMax) form ??= judge.hasFirstLine ? 'document' : 'lines';
    }
  }
  return { form, bytes: replay(head, chunks) };
}

/** Looks at a growing beginning and parses its first line once. */
class Judge {
  #first: { readonly isJson: boolean; readonly end: number } | undefined;

  get hasFirstLine(): boolean {
    return this.#first !== undefined;
  }

  /** Whether a chunk can bring news: the end of a line, or anything at all behind a first line that is a value. */
  caresFor(chunk: Uint8Array): boolean {
    return this.#first?.isJson === true || chunk.includes(newline);
  }

  look(head: Uint8Array, ended: boolean): Form | undefined {
    if (this.#first === undefined) {
      const line = lineFrom(head, 0, ended);
      if (line === undefined) return undefined;
      this.#first = { isJson: valueOf(line.text) !== undefined, end: line.end };
    }
    const { isJson, end } = this.#first;
    if (isJson) {
      if (inkFrom(head, end) < head.length) return 'lines';
      return ended ? 'document' : undefined;
    }
    const second = lineFrom(head, end, ended);
    if (second === undefined) return ended ? 'document' : undefined;
    return isResource(valueOf(second.text)) ? 'lines' : 'document';
  }
}

/** The place of the first byte that is no white space and no byte order mark. */
function inkFrom(bytes: Uint8Array, from: number): number {
  const blank = new Set([0x20, 0x09, 0x0d, newline, 0xef, 0xbb, 0xbf]);
  let at = from;
  while (at < bytes.length && blank.has(bytes[at] ?? 0)) at += 1;
  return at;
}

/** The first line with something in it, if it is whole. */
function lineFrom(bytes: Uint8Array, from: number, ended: boolean): { text: string; end: number } | undefined {
  const start = inkFrom(bytes, from);
  const found = bytes.indexOf(newline, start);
  if (start === bytes.length || (found < 0 && !ended)) return undefined;
  const end = found < 0 ? bytes.length : found;
  return { text: Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('utf8'), end };
}

function valueOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

const isResource = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && 'resourceType' in value && typeof value.resourceType === 'string';
