/** Cuts the pieces of an NDJSON answer into lines. A resource that is too large goes by: only its id is kept of it. */
import { ServerProblem } from './server-problem.ts';

const newline = 0x0a;

export type NdjsonLine =
  { readonly kind: 'line'; readonly bytes: Buffer } | { readonly kind: 'too-large'; readonly id: string | undefined };

/** The lines of an answer, one at a time; empty ones are left out. */
export async function* ndjsonLines(
  pieces: AsyncIterable<Uint8Array>,
  lineBytesMax: number,
): AsyncGenerator<NdjsonLine> {
  let line = new LineBuffer(lineBytesMax);
  for await (const piece of pieces) {
    for (let start = 0; start < piece.length;) {
      const found = piece.indexOf(newline, start);
      const end = found === -1 ? piece.length : found;
      line.add(piece.subarray(start, end));
      start = end + 1;
      if (found === -1) break;
      const whole = line.end();
      line = new LineBuffer(lineBytesMax);
      if (whole !== undefined) yield whole;
    }
  }
  const last = line.end();
  if (last !== undefined) yield last;
}

/** A line on its way in. */
class LineBuffer {
  readonly #bytesMax: number;
  #pieces: Uint8Array[] = [];
  #bytes = 0;
  #finder: IdFinder | undefined;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  add(piece: Uint8Array): void {
    if (this.#finder !== undefined) {
      this.#finder.add(piece);
      return;
    }
    this.#pieces.push(piece);
    this.#bytes += piece.length;
    if (this.#bytes <= this.#bytesMax) return;
    this.#finder = new IdFinder();
    for (const kept of this.#pieces) this.#finder.add(kept);
    this.#pieces = [];
  }

  end(): NdjsonLine | undefined {
    if (this.#finder !== undefined) return { kind: 'too-large', id: this.#finder.end() };
    const bytes = Buffer.concat(this.#pieces);
    return bytes.every((byte) => byte <= 0x20) ? undefined : { kind: 'line', bytes };
  }
}

const quote = 0x22;
const backslash = 0x5c;
/** More than any id, and than any name of an attribute that could be mistaken for `id`. */
const textBytesMax = 100;

/** Follows an object's JSON, keeping nothing but the text of its own `id`. */
class IdFinder {
  #depth = 0;
  #inString = false;
  #escaped = false;
  /** The string of depth 1 that is being read, or was read last. */
  #text: number[] = [];
  #isValue = false;
  #name = '';
  #id: string | undefined;

  add(piece: Uint8Array): void {
    for (const byte of piece) {
      if (this.#inString) this.#stringByte(byte);
      else this.#byte(byte);
    }
  }

  /** The id; throws where what went by was no whole object. */
  end(): string | undefined {
    if (this.#depth !== 0 || this.#inString) throw new ServerProblem('answer-malformed');
    return this.#id;
  }

  #byte(byte: number): void {
    switch (byte) {
      case quote:
        this.#inString = true;
        this.#text = [];
        break;
      case 0x7b: // {
      case 0x5b: // [
        this.#depth += 1;
        break;
      case 0x7d: // }
      case 0x5d: // ]
        this.#depth -= 1;
        break;
      case 0x3a: // :
        if (this.#depth === 1) this.#isValue = true;
        break;
      case 0x2c: // ,
        if (this.#depth === 1) this.#isValue = false;
        break;
    }
  }

  #stringByte(byte: number): void {
    if (this.#escaped) this.#escaped = false;
    else if (byte === backslash) this.#escaped = true;
    else if (byte === quote) {
      this.#inString = false;
      this.#stringEnds();
      return;
    }
    if (this.#depth === 1 && this.#text.length < textBytesMax) this.#text.push(byte);
  }

  #stringEnds(): void {
    if (this.#depth !== 1) return;
    const text = Buffer.from(this.#text).toString('utf8');
    if (!this.#isValue) this.#name = text;
    else if (this.#name === 'id') this.#id = text;
  }
}
