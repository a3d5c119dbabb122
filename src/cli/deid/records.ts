/** Parses the records of a part: each a value with its text and line, or a mistake that says nothing of what stands there. */
import type { Part } from './input.ts';
import type { InputCode, InputMistake } from './mistakes.ts';

export interface ParsedRecord {
  readonly line?: number;
  readonly value: unknown;
  /** The JSON that it was: numbers have digits there that they lose as values. */
  readonly text: string;
}

export type InputRecord = ParsedRecord | { readonly line?: number; readonly code: InputCode };

const newline = 0x0a;
const utf8 = new TextDecoder('utf-8', { fatal: true });
const blank = /^\s*$/;

/** The records of lines, without the empty ones, or the one that a document is. */
export function* recordsOf({
  kind,
  bytes,
  line: firstLine = 1,
}: {
  readonly kind: 'lines' | 'document';
  readonly bytes: Uint8Array;
  readonly line?: number;
}): Generator<InputRecord> {
  if (kind === 'document') {
    const record = parse(bytes);
    if (record !== undefined) yield record;
    return;
  }
  let line = firstLine;
  for (let start = 0; start < bytes.length; line += 1) {
    const found = bytes.indexOf(newline, start);
    const end = found < 0 ? bytes.length : found;
    const record = parse(bytes.subarray(start, end));
    if (record !== undefined) yield { line, ...record };
    start = end + 1;
  }
}

function parse(bytes: Uint8Array): { value: unknown; text: string } | { code: InputCode } | undefined {
  let text: string;
  try {
    // A byte order mark in front is no part of it.
    text = utf8.decode(bytes);
  } catch {
    return { code: 'not-utf8' };
  }
  try {
    return { value: JSON.parse(text) as unknown, text };
  } catch {
    return blank.test(text) ? undefined : { code: 'not-json' };
  }
}

/** The records of some parts, one after the other, for what runs in one thread; mistakes go to `onMistake`. */
export async function* recordsIn(
  parts: AsyncIterable<Part>,
  onMistake: (mistake: InputMistake) => void,
): AsyncGenerator<ParsedRecord & { readonly file: string }> {
  for await (const part of parts) {
    if (part.kind === 'mistake') {
      onMistake(part.mistake);
      continue;
    }
    const { file } = part;
    for (const record of recordsOf(part)) {
      if ('value' in record) yield { file, ...record };
      else onMistake({ file, ...record });
    }
  }
}

/** Their values alone. */
export async function* valuesOf(
  parts: AsyncIterable<Part>,
  onMistake: (mistake: InputMistake) => void,
): AsyncGenerator {
  for await (const { value } of recordsIn(parts, onMistake)) yield value;
}
