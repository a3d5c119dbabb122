import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { createCipheriv, createHash } from 'node:crypto';
import { deriveKey, lengthFramed } from '../../src/crypto/derived-key.ts';
import { CHUNK_BYTES, decryptStream, encryptStream } from '../../src/crypto/envelope.ts';
import { collect, cut, pattern } from './bytes.ts';

const dataKey = Buffer.alloc(32, 7);
const context = { batch: 'site-a.up.Patient.17-42', part: 'raw-0' };
// Computed by another implementation (Python's hmac and cryptography), so that they test the format and not the code.
const VECTOR_EMPTY =
  '46534c5301001f3e5d7c9bbad9f81736557493b2d1f00f2e4d6c8baac9e80726456483a2c10af52c8699ed84d00ea436c71e' +
  'c16f074f5486eaa9dc07bace385a0847baa0dc68c158e16c242534c3b93fe92254d43c';
const VECTOR_SHORT =
  '46534c5301001f3e5d7c9bbad9f81736557493b2d1f00f2e4d6c8baac9e80726456483a2c10af52c8699ed84d00ea436c71e' +
  'c16f074f5486eaa9dc07bace385a0847baa0dc4eaf2137debd443b54892ab7e86912b6069abaeccc5808d6c048bc920bb2fc' +
  'eee887b367183183c3';
const VECTOR_LONG_SHA256 = 'd2ec50148b3b29fc75058b97b3ad32877142778a442c9dd60db0bd85ba5bcbd3';
const SEALED_CHUNK_BYTES = CHUNK_BYTES + 16;
const HEADER_BYTES = 69;

async function sealed(plain: Uint8Array, salt?: Uint8Array): Promise<Buffer> {
  return collect(encryptStream(dataKey, context, [plain], salt));
}

async function opened(bytes: Uint8Array, at = context, key: Uint8Array = dataKey): Promise<Buffer> {
  return collect(decryptStream(key, at, [bytes]));
}

const sizes = fc.array(fc.integer({ min: 0, max: 3 * CHUNK_BYTES }), { maxLength: 6 });
/** Lengths at and around the chunk's edges are where stream formats break. */
const lengths = fc.oneof(
  fc.integer({ min: 0, max: 300 }),
  fc.constantFrom(0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 2 * CHUNK_BYTES, 2 * CHUNK_BYTES + 5),
);

describe('format', () => {
  const salt = pattern(32);

  // A change here makes all staged batches unreadable.
  it('seals the published vectors', async () => {
    expect((await sealed(Buffer.alloc(0), salt)).toString('hex')).toBe(VECTOR_EMPTY);
    expect((await sealed(Buffer.from('{"resourceType":"Basic"}'), salt)).toString('hex')).toBe(VECTOR_SHORT);
    const long = await sealed(pattern(2 * CHUNK_BYTES), salt);
    expect(createHash('sha256').update(long).digest('hex')).toBe(VECTOR_LONG_SHA256);
  });

  it('is a header and chunks, without an empty last chunk', async () => {
    for (const [length, chunks] of [
      [0, 1],
      [1, 1],
      [CHUNK_BYTES, 1],
      [CHUNK_BYTES + 1, 2],
      [2 * CHUNK_BYTES, 2],
    ] as const) {
      expect(await sealed(pattern(length))).toHaveLength(HEADER_BYTES + length + 16 * chunks);
    }
  });

  it('never repeats itself', async () => {
    expect((await sealed(pattern(9))).equals(await sealed(pattern(9)))).toBe(false);
  });
});

describe('round trip', () => {
  it('returns what was written, however it is cut on either side', async () => {
    await fc.assert(
      fc.asyncProperty(lengths, sizes, sizes, async (length, cutsIn, cutsOut) => {
        const plain = pattern(length);
        const bytes = await collect(encryptStream(dataKey, context, cut(plain, cutsIn)));
        const back = await collect(decryptStream(dataKey, context, cut(bytes, cutsOut)));
        expect(back.equals(plain)).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  it('hands a chunk on before it has read the next but one', async () => {
    let pulled = 0;
    function* source(): Generator<Uint8Array> {
      for (; pulled < 40; pulled += 1) yield pattern(CHUNK_BYTES);
    }
    const stream = decryptStream(dataKey, context, encryptStream(dataKey, context, source()));
    await stream.next();
    expect(pulled).toBeLessThanOrEqual(4);
    await stream.return();
  });
});

describe('tampering', () => {
  it('refuses any flipped bit', async () => {
    await fc.assert(
      fc.asyncProperty(lengths, fc.nat(), fc.integer({ min: 0, max: 7 }), async (length, place, bit) => {
        const bytes = await sealed(pattern(length));
        const at = place % bytes.length;
        bytes[at] = bytes[at]! ^ (1 << bit);
        await expect(opened(bytes)).rejects.toMatchObject({ name: 'SealProblem' });
      }),
      { numRuns: 60 },
    );
  });

  it('refuses every byte of a small object flipped', async () => {
    const bytes = await sealed(pattern(20));
    for (let at = 0; at < bytes.length; at += 1) {
      const altered = Buffer.from(bytes);
      altered[at] = altered[at]! ^ 0x80;
      await expect(opened(altered)).rejects.toMatchObject({ name: 'SealProblem' });
    }
  });

  it('refuses any truncation and anything appended', async () => {
    await fc.assert(
      fc.asyncProperty(
        lengths,
        fc.nat(),
        fc.uint8Array({ minLength: 1, maxLength: 40 }),
        async (length, place, more) => {
          const bytes = await sealed(pattern(length));
          await expect(opened(bytes.subarray(0, place % bytes.length))).rejects.toMatchObject({ name: 'SealProblem' });
          await expect(opened(Buffer.concat([bytes, more]))).rejects.toMatchObject({ code: 'seal-broken' });
        },
      ),
      { numRuns: 60 },
    );
  });

  it('refuses truncation at every edge of a chunk', async () => {
    const bytes = await sealed(pattern(3 * CHUNK_BYTES));
    for (const chunks of [0, 1, 2]) {
      const cutAt = HEADER_BYTES + chunks * SEALED_CHUNK_BYTES;
      await expect(opened(bytes.subarray(0, cutAt))).rejects.toMatchObject({ code: 'seal-broken' });
    }
  });

  it('refuses chunks that are swapped, repeated or left out', async () => {
    const bytes = await sealed(pattern(3 * CHUNK_BYTES));
    const header = bytes.subarray(0, HEADER_BYTES);
    const chunk = (index: number): Buffer =>
      bytes.subarray(HEADER_BYTES + index * SEALED_CHUNK_BYTES, HEADER_BYTES + (index + 1) * SEALED_CHUNK_BYTES);
    for (const order of [[1, 0, 2], [0, 0, 1, 2], [0, 2], [0, 1, 2, 2], [2]]) {
      await expect(opened(Buffer.concat([header, ...order.map(chunk)]))).rejects.toMatchObject({ code: 'seal-broken' });
    }
  });

  it('has one form for each plaintext: no empty last chunk behind others, also from who has the key', async () => {
    const bytes = await sealed(pattern(CHUNK_BYTES));
    const framed = Buffer.concat([context.batch, context.part].map((name) => lengthFramed(Buffer.from(name))));
    const { key } = deriveKey(dataKey, bytes.subarray(5, 37), 'staging/object/v1', framed);
    const chunk = (plain: Uint8Array, counter: number, flag: number): Buffer => {
      const cipher = createCipheriv('aes-256-gcm', key, Buffer.from([...Buffer.alloc(10), counter, flag]));
      return Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
    };
    const header = bytes.subarray(0, HEADER_BYTES);
    const usual = Buffer.concat([header, chunk(pattern(CHUNK_BYTES), 0, 1)]);
    expect(usual.equals(bytes)).toBe(true);
    const padded = Buffer.concat([header, chunk(pattern(CHUNK_BYTES), 0, 0), chunk(Buffer.alloc(0), 1, 1)]);
    await expect(opened(padded)).rejects.toMatchObject({ code: 'seal-broken' });
  });

  it('yields no byte of a chunk before its tag is checked', async () => {
    const bytes = await sealed(pattern(2 * CHUNK_BYTES));
    bytes[HEADER_BYTES + SEALED_CHUNK_BYTES] = bytes[HEADER_BYTES + SEALED_CHUNK_BYTES]! ^ 1;
    let yieldedBytes = 0;
    const reading = (async () => {
      for await (const chunk of decryptStream(dataKey, context, [bytes])) yieldedBytes += chunk.length;
    })();
    await expect(reading).rejects.toMatchObject({ code: 'seal-broken' });
    expect(yieldedBytes).toBe(CHUNK_BYTES);
  });

  it('opens for its own batch, part and key only', async () => {
    const bytes = await sealed(pattern(100));
    await expect(opened(bytes, { ...context, part: 'raw-1' })).rejects.toMatchObject({ code: 'seal-broken' });
    await expect(opened(bytes, { ...context, batch: 'site-b' })).rejects.toMatchObject({ code: 'seal-broken' });
    await expect(opened(bytes, context, Buffer.alloc(32, 8))).rejects.toMatchObject({ code: 'seal-broken' });
    const joined = await collect(encryptStream(dataKey, { batch: 'a', part: 'bc' }, [pattern(5)]));
    await expect(opened(joined, { batch: 'ab', part: 'c' })).rejects.toMatchObject({ code: 'seal-broken' });
  });

  it('tells a later format from damage', async () => {
    const bytes = await sealed(pattern(5));
    bytes[4] = 2;
    await expect(opened(bytes)).rejects.toMatchObject({ code: 'seal-format-unknown' });
  });
});
