/**
 * Writes an object of 20 MB into staging in a folder and reads it, and prints as JSON how many bytes in buffers were held at
 * each 2 MB. Needs `--expose-gc`, and a process of its own: in one that has done much, each collection takes long.
 */
import { encryptedStaging } from '../../src/staging/encrypted-staging.ts';
import { localKeyWrapper } from '../../src/crypto/local-key-wrapper.ts';
import { parseKeyring } from '../../src/crypto/local-keyring.ts';
import { openFolderStore } from '../../src/staging/folder-store.ts';
import { stream } from './folder.ts';

/** What `held-bytes.ts` prints. */
export interface HeldBytes {
  readonly readBytes: number;
  readonly writing: readonly number[];
  readonly reading: readonly number[];
}

/** What nobody holds is collected first: the second time awaits the sweeping of the first. */
function heldBytes(): number {
  if (gc === undefined) throw new Error('needs --expose-gc');
  gc();
  gc();
  return process.memoryUsage().arrayBuffers;
}

/** Hands on chunks, and looks at each 2 MB that pass. */
async function* watched(chunks: AsyncIterable<Uint8Array>, held: number[]): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  for await (const chunk of chunks) {
    yield chunk;
    bytes += chunk.length;
    if (bytes >= (held.length + 1) * 2_000_000) held.push(heldBytes() - before);
  }
}

const [folder = '.'] = process.argv.slice(2);
const key = parseKeyring('staging', `v1:${Buffer.alloc(32, 1).toString('base64')}`);
const staging = encryptedStaging(await openFolderStore({ folder, bytesMax: 50_000_000 }), localKeyWrapper(key));
const [writing, reading]: [number[], number[]] = [[], []];
const before = heldBytes();
await staging.write('b', 'p', watched(stream(200, 100_000), writing));
let readBytes = 0;
for await (const chunk of watched(staging.read('b', 'p'), reading)) readBytes += chunk.length;
console.log(JSON.stringify({ readBytes, writing, reading } satisfies HeldBytes));
