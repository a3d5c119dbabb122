/** Looks at the beginning of a stream and gives the whole stream back. */

/** What was taken already, then the rest. Lets go of the stream whenever the reader does. */
export async function* replay(
  taken: readonly Uint8Array[],
  rest: AsyncIterator<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  try {
    yield* taken;
    for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value;
  } finally {
    await rest.return?.();
  }
}
