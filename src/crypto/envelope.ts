/**
 * The encrypted stream: one object of any size, in constant memory, under a batch's data key.
 *
 *     header: 'FSLS' ‖ format version (1) ‖ salt (32) ‖ key commitment (32)
 *     chunk:  ciphertext (64 KiB, the last may be shorter) ‖ tag (16)
 *
 * The object key is HKDF(data key, salt, context), where the context names the batch and the part: an object under another
 * name does not open. Chunks follow STREAM (Hoang, Reyhanitabar, Rogaway, Vizár: 'Online Authenticated-Encryption
 * and its Nonce-Reuse Misuse-Resistance', CRYPTO 2015), as in age: nonce = counter (11 bytes, big-endian) ‖ final flag
 * (1 byte), so that chunks can be neither reordered, dropped, repeated nor cut off at the end. Only an empty object has an
 * empty chunk. A chunk's plaintext is handed on after its tag is verified, never before. The salt and the commitment need no
 * tag of their own: the one feeds the derivation that the other is compared with.
 */
import { createCipheriv, randomBytes } from 'node:crypto';
import { COMMITMENT_BYTES, deriveKey, lengthFramed, openGcm, rederiveKey } from './derived-key.ts';
import { SALT_BYTES, SealProblem, TAG_BYTES } from './derived-key.ts';
import { rechunk, type ByteSource } from './rechunk.ts';

/** Plaintext bytes of every chunk but the last. */
export const CHUNK_BYTES = 64 * 1024;

const MAGIC = Buffer.from('FSLS\x01', 'latin1');
const HEADER_BYTES = MAGIC.length + SALT_BYTES + COMMITMENT_BYTES;
const DOMAIN = 'staging/object/v1';

/** What an object is bound to. Neither part is stored in it. */
export interface ObjectContext {
  readonly batch: string;
  readonly part: string;
}

/** Encrypts a stream. `salt` is given by tests of the format only. */
export async function* encryptStream(
  dataKey: Uint8Array,
  context: ObjectContext,
  plaintext: ByteSource,
  salt: Uint8Array = randomBytes(SALT_BYTES),
): AsyncGenerator<Uint8Array, void, undefined> {
  const { key, commitment } = deriveKey(dataKey, salt, DOMAIN, contextBytes(context));
  yield Buffer.concat([MAGIC, salt, commitment]);
  let counter = 0;
  for await (const { bytes, last } of rechunk(plaintext, CHUNK_BYTES)) {
    const cipher = createCipheriv('aes-256-gcm', key, chunkNonce(counter, last));
    const body = cipher.update(bytes);
    yield Buffer.concat([body, cipher.final(), cipher.getAuthTag()]);
    counter += 1;
  }
}

/** Decrypts what `encryptStream` made. Throws `SealProblem` where anything is not as it was written. */
export async function* decryptStream(
  dataKey: Uint8Array,
  context: ObjectContext,
  sealed: ByteSource,
): AsyncGenerator<Uint8Array, void, undefined> {
  let key: Uint8Array | undefined;
  let counter = 0;
  for await (const { bytes, last } of rechunk(sealed, CHUNK_BYTES + TAG_BYTES, HEADER_BYTES)) {
    if (key === undefined) {
      key = openHeader(dataKey, context, bytes);
      continue;
    }
    const tagAt = bytes.length - TAG_BYTES;
    // An empty last chunk behind others is what truncation at a chunk's end would look like to a lax reader.
    if (tagAt < 0 || (tagAt === 0 && counter > 0)) throw new SealProblem('seal-broken');
    const plaintext = openGcm(key, chunkNonce(counter, last), bytes.subarray(0, tagAt), bytes.subarray(tagAt));
    if (plaintext.length > 0) yield plaintext;
    counter += 1;
  }
  if (counter === 0) throw new SealProblem('seal-broken');
}

function openHeader(dataKey: Uint8Array, context: ObjectContext, header: Uint8Array): Uint8Array {
  if (header.length < HEADER_BYTES) throw new SealProblem('seal-broken');
  if (!MAGIC.equals(header.subarray(0, MAGIC.length))) throw new SealProblem('seal-format-unknown');
  const commitmentAt = MAGIC.length + SALT_BYTES;
  const salt = header.subarray(MAGIC.length, commitmentAt);
  return rederiveKey(dataKey, salt, header.subarray(commitmentAt), DOMAIN, contextBytes(context));
}

/** Framed, so that batch `a` with part `bc` differs from batch `ab` with part `c`. */
function contextBytes({ batch, part }: ObjectContext): Uint8Array {
  return Buffer.concat([lengthFramed(Buffer.from(batch, 'utf8')), lengthFramed(Buffer.from(part, 'utf8'))]);
}

/** The counter stays below 2^48 (four exabytes), so six of its eleven bytes are enough to write. */
function chunkNonce(counter: number, last: boolean): Uint8Array {
  const nonce = Buffer.alloc(12);
  nonce.writeUIntBE(counter, 5, 6);
  nonce[11] = last ? 1 : 0;
  return nonce;
}
