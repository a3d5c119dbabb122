/** gzip, told by its first two bytes rather than by a name: standard input has none. */
import { pipeline, Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';

import { ReadingFailed } from './mistakes.ts';
import { replay } from './replay.ts';

const magic = [0x1f, 0x8b] as const;

/** The bytes as they are, or inflated where they are gzip. */
export async function* inflated(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const chunks = source[Symbol.asyncIterator]();
  const head: Uint8Array[] = [];
  let headBytes = 0;
  while (headBytes < magic.length) {
    const next = await chunks.next();
    if (next.done === true) break;
    head.push(next.value);
    headBytes += next.value.length;
  }
  const all = replay(head, chunks);
  const [first, second] = Buffer.concat(head);
  if (first !== magic[0] || second !== magic[1]) {
    yield* all;
    return;
  }
  const gunzip = createGunzip({ chunkSize: 64 * 2 ** 10 });
  // An error of either side ends the iteration below.
  pipeline(Readable.from(all, { objectMode: false }), gunzip, () => undefined);
  try {
    for await (const chunk of gunzip) yield chunk as Uint8Array;
  } catch (error) {
    throw error instanceof ReadingFailed ? error : new ReadingFailed('gzip-broken');
  }
}
