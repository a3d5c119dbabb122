/**
 * Lists of 48-bit keyed hashes: sorted, each once, six bytes big-endian. What the leak guard keeps of words and compares
 * them by; compact on the disk, and looked through where it lies.
 */

/** Bytes of one hash. */
export const listedHashBytes = 6;

const hashAt = (list: Buffer, index: number): number => list.readUIntBE(index * listedHashBytes, listedHashBytes);

const asBuffer = (list: Uint8Array): Buffer =>
  Buffer.isBuffer(list) ? list : Buffer.from(list.buffer, list.byteOffset, list.byteLength);

/** How many hashes a list holds. */
export const hashCount = (list: Uint8Array): number => Math.floor(list.length / listedHashBytes);

/** A list of some hashes, in whatever order and however often they come. */
export function listOfHashes(hashes: readonly number[]): Uint8Array {
  const sorted = Float64Array.from(hashes).sort();
  const list = Buffer.allocUnsafe(sorted.length * listedHashBytes);
  let bytes = 0;
  let last = -1;
  for (const hash of sorted) {
    if (hash !== last) bytes = list.writeUIntBE(hash, bytes, listedHashBytes);
    last = hash;
  }
  return copyOf(list, bytes);
}

/** Of its own memory: a view would keep (and, sent to a thread, copy) all of what it looks at. */
const copyOf = (list: Buffer, bytes: number): Uint8Array => new Uint8Array(list.subarray(0, bytes));

export function* hashesOf(list: Uint8Array): Generator<number> {
  const buffer = asBuffer(list);
  for (let index = 0; index < hashCount(list); index++) yield hashAt(buffer, index);
}

/** Binary search. */
function holds(list: Buffer, hash: number): boolean {
  let low = 0;
  let high = hashCount(list) - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const found = hashAt(list, middle);
    if (found === hash) return true;
    if (found < hash) low = middle + 1;
    else high = middle - 1;
  }
  return false;
}

/** Whether any hash of a list is in one of others. */
export function listsMeet(list: Uint8Array, others: readonly Uint8Array[]): boolean {
  const buffers = others.map(asBuffer);
  for (const hash of hashesOf(list)) if (buffers.some((other) => holds(other, hash))) return true;
  return false;
}

/** A list without the hashes that are in others. */
export function withoutListed(list: Uint8Array, others: readonly Uint8Array[]): Uint8Array {
  const buffers = others.map(asBuffer);
  const left = Buffer.allocUnsafe(list.length);
  let bytes = 0;
  for (const hash of hashesOf(list)) {
    if (!buffers.some((other) => holds(other, hash))) bytes = left.writeUIntBE(hash, bytes, listedHashBytes);
  }
  return copyOf(left, bytes);
}

/** One list of all. */
export function mergedLists(lists: readonly Uint8Array[]): Uint8Array {
  const [first] = lists;
  if (first !== undefined && lists.length === 1) return first;
  return listOfHashes(lists.flatMap((list) => [...hashesOf(list)]));
}
