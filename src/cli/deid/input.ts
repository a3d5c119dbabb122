/**
 * Input as parts that can be worked on one by one: blocks of NDJSON's lines, whole documents, and mistakes, in the order of
 * the sources. Nothing is parsed here; `records.ts` does that, in whichever thread has time.
 */
import { cutBlocks, readWhole } from './blocks.ts';
import { inputBounds } from './bounds.ts';
import type { InputBounds } from './bounds.ts';
import { formOf } from './form.ts';
import { inflated } from './inflate.ts';
import { ReadingFailed } from './mistakes.ts';
import type { InputMistake } from './mistakes.ts';
import type { Source } from './source.ts';

export type Part =
  /** Lines of NDJSON; `line` is the number of the first. */
  | { readonly kind: 'lines'; readonly file: string; readonly line: number; readonly bytes: Uint8Array }
  /** A resource or Bundle that is all of its source. */
  | { readonly kind: 'document'; readonly file: string; readonly bytes: Uint8Array }
  | { readonly kind: 'mistake'; readonly mistake: InputMistake };

export interface ReadOptions {
  readonly bounds?: InputBounds;
  /** Told of bytes as they are read from a source. */
  readonly onBytes?: (count: number) => void;
}

/** Reads all sources. A source that cannot be read to its end is a mistake, and the next one is read. */
export async function* readParts(
  sources: readonly Source[],
  { bounds = inputBounds, onBytes }: ReadOptions = {},
): AsyncGenerator<Part> {
  for (const source of sources) {
    try {
      yield* partsOf(source, bounds, onBytes);
    } catch (error) {
      // What else the system may throw is constant for us: its message may quote.
      const code = error instanceof ReadingFailed ? error.code : 'file-unreadable';
      yield { kind: 'mistake', mistake: { file: source.name, code } };
    }
  }
}

async function* partsOf(source: Source, bounds: InputBounds, onBytes?: (count: number) => void): AsyncGenerator<Part> {
  const file = source.name;
  const { form, bytes } = await formOf(inflated(counted(source.read(), onBytes)), file, bounds);
  if (form === 'document') {
    const whole = await readWhole(bytes, bounds);
    if (whole === undefined) yield { kind: 'mistake', mistake: { file, code: 'record-too-large' } };
    else yield { kind: 'document', file, bytes: whole };
    return;
  }
  for await (const block of cutBlocks(bytes, bounds)) {
    const { line } = block;
    if (block.kind === 'too-long') yield { kind: 'mistake', mistake: { file, line, code: 'record-too-large' } };
    else yield { kind: 'lines', file, line, bytes: block.bytes };
  }
}

async function* counted(
  source: AsyncIterable<Uint8Array>,
  onBytes?: (count: number) => void,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of source) {
    onBytes?.(chunk.length);
    yield chunk;
  }
}
