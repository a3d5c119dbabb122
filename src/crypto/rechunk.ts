/** Cuts a byte stream of any chunking into pieces of one size, knowing which is the last. */

/** Bytes that come in pieces of any size, also empty ones. */
export type ByteSource = AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

/** A piece of exactly the asked size, but the last, which may be shorter, also empty. */
export interface Piece {
  readonly bytes: Uint8Array;
  readonly last: boolean;
}

/**
 * Yields pieces of `pieceBytes`, the first of `firstBytes` (a header). There is at least one piece, and exactly one is the
 * last; an empty one only where the source is empty. A full piece waits for one more byte or the source's end, since
 * before that nobody knows whether it is the last. Holds one piece at a time.
 */
export async function* rechunk(
  source: ByteSource,
  pieceBytes: number,
  firstBytes: number = pieceBytes,
): AsyncGenerator<Piece, void, undefined> {
  let size = firstBytes;
  let held: Uint8Array[] = [];
  let heldBytes = 0;
  for await (const chunk of source) {
    let rest = chunk;
    while (rest.length > 0) {
      if (heldBytes === size) {
        yield { bytes: joined(held, heldBytes), last: false };
        held = [];
        heldBytes = 0;
        size = pieceBytes;
      }
      const taken = rest.subarray(0, size - heldBytes);
      held.push(taken);
      heldBytes += taken.length;
      rest = rest.subarray(taken.length);
    }
  }
  yield { bytes: joined(held, heldBytes), last: true };
}

function joined(parts: readonly Uint8Array[], totalBytes: number): Uint8Array {
  const only = parts[0];
  return parts.length === 1 && only !== undefined ? only : Buffer.concat(parts, totalBytes);
}
