/** Runs work side by side and gives its results in the order of what came in. */

/**
 * At most `inFlightMax` pieces are under way or wait for their turn, so that a slow one bounds what is read, too.
 * Where one fails, or the reader stops, the others are awaited before the failure goes on.
 */
export async function* inOrder<Piece, Result>(
  pieces: AsyncIterable<Piece>,
  run: (piece: Piece) => Promise<Result>,
  inFlightMax: number,
): AsyncGenerator<Result> {
  const inFlight: Promise<Result>[] = [];
  try {
    for await (const piece of pieces) {
      const result = run(piece);
      result.catch(() => undefined); // told to whoever awaits it below
      inFlight.push(result);
      for (const next of inFlight.length < inFlightMax ? [] : inFlight.splice(0, 1)) yield await next;
    }
    for (let next = inFlight.shift(); next !== undefined; next = inFlight.shift()) yield await next;
  } finally {
    await Promise.allSettled(inFlight);
  }
}
