/** Cuts a byte stream into blocks of whole lines, in bounded memory. */
import type { InputBounds } from './bounds.ts';

export type Block =
  /** Whole lines; `line` is the number of the first, from 1. */
  | { readonly kind: 'lines'; readonly line: number; readonly bytes: Uint8Array }
  /** A line above the bound; nothing of it is kept. */
  | { readonly kind: 'too-long'; readonly line: number };

const newline = 0x0a;

/** The bytes of some chunks, as one. */
class Held {
  bytes = 0;
  #chunks: Uint8Array[] = [];

  push(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    this.#chunks.push(chunk);
    this.bytes += chunk.length;
  }

  take(): Uint8Array {
    const only = this.#chunks[0];
    const all = this.#chunks.length === 1 && only !== undefined ? only : Buffer.concat(this.#chunks, this.bytes);
    this.#chunks = [];
    this.bytes = 0;
    return all;
  }
}

/** Blocks of about `blockBytes`. A line is counted against the bound as it arrives, not when it has. */
export async function* cutBlocks(
  source: AsyncIterable<Uint8Array>,
  { blockBytes, recordBytesMax }: InputBounds,
): AsyncGenerator<Block> {
  const whole = new Held();
  const begun = new Held();
  let line = 1;
  let tooLong = false;
  const block = (): Block[] => {
    if (whole.bytes === 0) return [];
    const made: Block = { kind: 'lines', line, bytes: whole.take() };
    line += newlinesIn(made.bytes);
    return [made];
  };
  const skipped = (): Block[] => {
    const made: Block[] = [...block(), { kind: 'too-long', line }];
    line += 1;
    tooLong = false;
    return made;
  };
  for await (const chunk of source) {
    const first = chunk.indexOf(newline);
    let rest = chunk;
    if (first >= 0) {
      if (tooLong || begun.bytes + first > recordBytesMax) {
        begun.take();
        yield* skipped();
        rest = chunk.subarray(first + 1);
      }
      const end = rest.lastIndexOf(newline) + 1;
      if (end > 0) {
        if (begun.bytes > 0) whole.push(begun.take());
        whole.push(rest.subarray(0, end));
        rest = rest.subarray(end);
      }
    }
    if (!tooLong) begun.push(rest);
    if (begun.bytes > recordBytesMax) {
      begun.take();
      tooLong = true;
    }
    if (whole.bytes >= blockBytes) yield* block();
  }
  if (tooLong) yield* skipped();
  whole.push(begun.take());
  yield* block();
}

export function newlinesIn(bytes: Uint8Array): number {
  let count = 0;
  for (let at = bytes.indexOf(newline); at >= 0; at = bytes.indexOf(newline, at + 1)) count += 1;
  return count;
}

/** All of a stream, or undefined where it is larger than the bound. */
export async function readWhole(
  source: AsyncIterable<Uint8Array>,
  { recordBytesMax }: InputBounds,
): Promise<Uint8Array | undefined> {
  const held = new Held();
  for await (const chunk of source) {
    held.push(chunk);
    if (held.bytes > recordBytesMax) return undefined;
  }
  return held.take();
}
