import { describe, expect, it } from '@jest/globals';
import { Client, Connection } from '@temporalio/client';
import type { Payload } from '@temporalio/common';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import fc from 'fast-check';
import { fileURLToPath } from 'node:url';
import { sluiceDataConverter } from '../../src/crypto/data-converter.ts';
import { parseKeyring } from '../../src/crypto/local-keyring.ts';
import { payloadCodec } from '../../src/crypto/payload-codec.ts';

/** `{"count":3}` as json/plain under v1, by another implementation (Python's hmac and cryptography). */
const VECTOR =
  'AB8+XXybutn4FzZVdJOy0fAPLk1si6rJ6AcmRWSDosGpACUQrDVuYOnf2WQMFkxoiD7Kug1RNGX1zQ1He42e2Fp8/NNykZvkhVpf' +
  'L/YeUd6bK4auvMtqHPcdvJNGYE/cTLZsZOBrGo1wXRWWMaiAGRmfuuVF';

const line = (version: number): string => `v${version}:${Buffer.alloc(32, version).toString('base64')}`;
const ring = parseKeyring('payload', line(1));
const codec = payloadCodec(ring);

function plain(text: string): Payload {
  return { metadata: { encoding: Buffer.from('json/plain') }, data: Buffer.from(text) };
}

async function encodedOne(payload: Payload, by = codec): Promise<Payload> {
  return (await by.encode([payload]))[0]!;
}

const asText = (bytes: Uint8Array | null | undefined): string => Buffer.from(bytes ?? []).toString('utf8');

describe('payload codec', () => {
  it('gives back what it was given, metadata and data', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ data: fc.uint8Array(), encoding: fc.string(), note: fc.uint8Array() }), { maxLength: 4 }),
        async (items) => {
          const payloads = items.map(({ data, encoding, note }) => ({
            metadata: { encoding: Buffer.from(encoding), note },
            data,
          }));
          const back = await codec.decode(await codec.encode(payloads));
          expect(back).toHaveLength(payloads.length);
          back.forEach((payload, index) => {
            expect(Buffer.from(payload.data ?? []).equals(payloads[index]!.data)).toBe(true);
            expect(asText(payload.metadata?.encoding)).toBe(asText(payloads[index]!.metadata.encoding));
            expect(Buffer.from(payload.metadata!.note!).equals(payloads[index]!.metadata.note)).toBe(true);
          });
        },
      ),
    );
  });

  it('shows neither data nor metadata, only the encoding and the key id', async () => {
    const { metadata, data } = await encodedOne({
      metadata: { encoding: Buffer.from('json/plain'), secret: Buffer.from('MARKER') },
      data: Buffer.from('"MARKER"'),
    });
    expect(Object.keys(metadata!).sort()).toEqual(['encoding', 'encryption-key-id']);
    expect(asText(metadata!.encoding)).toBe('binary/encrypted');
    expect(asText(metadata!['encryption-key-id'])).toBe('v1');
    expect(Buffer.from(data!).includes('MARKER')).toBe(false);
  });

  it('opens the published vector', async () => {
    const data = Buffer.from(VECTOR, 'base64');
    const metadata = { encoding: Buffer.from('binary/encrypted'), 'encryption-key-id': Buffer.from('v1') };
    const [back] = await codec.decode([{ metadata, data }]);
    expect(asText(back!.data)).toBe('{"count":3}');
    expect(asText(back!.metadata?.encoding)).toBe('json/plain');
  });

  it('never repeats itself', async () => {
    const [one, two] = await codec.encode([plain('1'), plain('1')]);
    expect(Buffer.from(one!.data!).equals(Buffer.from(two!.data!))).toBe(false);
  });

  it('leaves payloads of other encodings as they are', async () => {
    const foreign = plain('1');
    expect((await codec.decode([foreign, {}]))[0]).toBe(foreign);
  });

  it('refuses every flipped byte', async () => {
    const { metadata, data } = await encodedOne(plain('{"count":3}'));
    for (let at = 0; at < data!.length; at += 1) {
      const altered = Buffer.from(data!);
      altered[at] = altered[at]! ^ 1;
      await expect(codec.decode([{ metadata: metadata!, data: altered }])).rejects.toMatchObject({
        code: 'seal-broken',
      });
    }
    await expect(codec.decode([{ metadata: metadata! }])).rejects.toMatchObject({ code: 'seal-broken' });
  });

  it('reads old versions after a rotation and writes the new one', async () => {
    const old = await encodedOne(plain('1'));
    const rotated = payloadCodec(parseKeyring('payload', `${line(1)}\n${line(2)}`));
    const [back] = await rotated.decode([old]);
    expect(asText(back!.data)).toBe('1');
    const fresh = await encodedOne(plain('1'), rotated);
    expect(asText(fresh.metadata!['encryption-key-id'])).toBe('v2');
    await expect(codec.decode([fresh])).rejects.toMatchObject({ code: 'key-version-unknown' });
  });

  it('binds the key id', async () => {
    const two = payloadCodec(
      parseKeyring(
        'payload',
        `v1:${Buffer.alloc(32, 1).toString('base64')},v2:${Buffer.alloc(32, 1).toString('base64')}`,
      ),
    );
    const one = await encodedOne(plain('1'));
    const metadata = { ...one.metadata, 'encryption-key-id': Buffer.from('v2') };
    await expect(two.decode([{ ...one, metadata }])).rejects.toMatchObject({ code: 'seal-broken' });
  });

  it('refuses a foreign key id without repeating it', async () => {
    const metadata = { encoding: Buffer.from('binary/encrypted'), 'encryption-key-id': Buffer.from('MARKER') };
    const decoding = codec.decode([{ metadata, data: Buffer.alloc(100) }]);
    await expect(decoding).rejects.toMatchObject({ code: 'key-version-unknown' });
    await expect(decoding).rejects.not.toMatchObject({ message: expect.stringContaining('MARKER') });
  });

  it('takes the payload keyring only', () => {
    expect(() => payloadCodec(parseKeyring('staging', line(1)))).toThrow('key-wrong-purpose');
  });
});

describe('data converter', () => {
  const converter = sluiceDataConverter(ring);

  it('loads into a client, its failure converter by path', () => {
    const client = new Client({ connection: Connection.lazy(), dataConverter: converter });
    const { failureConverter, payloadConverter } = client.options.loadedDataConverter;
    const failure = failureConverter.errorToFailure(new Error('MARKER'), payloadConverter);
    expect(failure.message).toBe('Encoded failure');
    expect(failure.stackTrace).toBe('');
    expect(asText(failure.encodedAttributes?.data)).toContain('MARKER');
  });

  it('bundles into workflow code', async () => {
    const { code } = await bundleWorkflowCode({
      workflowsPath: fileURLToPath(new URL('./fixtures/failing-workflow.ts', import.meta.url)),
      failureConverterPath: converter.failureConverterPath!,
      logger: new DefaultLogger('ERROR'),
    });
    expect(code).toContain('encodeCommonAttributes: true');
  });
});
