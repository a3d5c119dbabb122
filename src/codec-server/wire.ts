/**
 * The codec server's JSON: protobuf's JSON form of `Payloads`, where bytes are base64. (Temporal docs: 'Codec Server',
 * remote codec HTTP API.)
 */
import type { Payload, PayloadCodec } from '@temporalio/common';
import { isEncrypted } from '../crypto/payload-codec.ts';

interface WirePayload {
  readonly metadata: Readonly<Record<string, string>>;
  readonly data: string;
}

/** The response's text for a request's text; nothing where the request is not such a message. Throws what `codec` does. */
export async function decodeBody(body: string, codec: PayloadCodec): Promise<string | undefined> {
  const items = payloadsOf(body);
  if (items === undefined) return undefined;
  const answers: unknown[] = [];
  for (const item of items) {
    const payload = payloadOf(item);
    if (payload === undefined) return undefined;
    // What is not ours goes back as it came, also fields that this version knows nothing of.
    if (!isEncrypted(payload)) answers.push(item);
    else answers.push(...(await codec.decode([payload])).map(wirePayload));
  }
  return JSON.stringify({ payloads: answers });
}

function payloadsOf(body: string): readonly unknown[] | undefined {
  let message: unknown;
  try {
    message = JSON.parse(body);
  } catch {
    // The parser's message quotes the text.
    return undefined;
  }
  const payloads: unknown = isObject(message) ? message.payloads : undefined;
  return Array.isArray(payloads) ? payloads : undefined;
}

function payloadOf(item: unknown): Payload | undefined {
  if (!isObject(item)) return undefined;
  const { metadata = {}, data = '' } = item;
  if (!isObject(metadata) || typeof data !== 'string') return undefined;
  const fields: [string, Uint8Array][] = [];
  for (const [name, value] of Object.entries(metadata)) {
    if (typeof value !== 'string') return undefined;
    fields.push([name, Buffer.from(value, 'base64')]);
  }
  return { metadata: Object.fromEntries(fields), data: Buffer.from(data, 'base64') };
}

function wirePayload(payload: Payload): WirePayload {
  const fields = Object.entries(payload.metadata ?? {}).map(([name, bytes]) => [name, base64(bytes)]);
  return {
    metadata: Object.fromEntries(fields) as Record<string, string>,
    data: base64(payload.data ?? new Uint8Array()),
  };
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
