/**
 * Temporal's payload codec: what workflows, activities and clients pass through the server is ciphertext there.
 * (Temporal docs: 'Payload Codec', 'Converters and encryption'.)
 *
 * It is the second line: payloads hold references and counts, never a resource. Not covered by any codec are search
 * attributes, headers, ids, task queue names, failure types and identities.
 *
 * The whole inner Payload, metadata with it, is sealed as protobuf, as Temporal's own samples do. A payload is bound to
 * this codec and its key version, not to its workflow: the Web UI and the CLI send payloads to a codec server without
 * saying where they stood. Payloads of other encodings pass through untouched, by Temporal's convention: what was written before
 * the codec was switched on, or by a tool without it, stays readable. So decryption is privacy here, not proof of origin.
 */
import proto from '@temporalio/proto';
import type { Payload, PayloadCodec } from '@temporalio/common';
import { SealProblem } from './derived-key.ts';
import { KeyProblem, type Keyring } from './keyring.ts';
import { requirePurpose } from './local-keyring.ts';
import { openMessage, sealMessage } from './sealed-message.ts';

const DOMAIN = 'temporal/payload/v1';
/** The encoding that Temporal's docs and samples use for encrypted payloads; the Web UI knows it as such. */
const ENCODING = 'binary/encrypted';
const ENCODING_FIELD = 'encoding';
const KEY_ID_FIELD = 'encryption-key-id';

const PayloadProto = proto.temporal.api.common.v1.Payload;

/** A codec over the `payload` keyring. Encodes under the current version, decodes every version of the ring. */
export function payloadCodec(keyring: Keyring): PayloadCodec {
  requirePurpose(keyring, 'payload');
  return {
    encode: async (payloads) => payloads.map((payload) => encrypted(keyring, payload)),
    decode: async (payloads) => payloads.map((payload) => decrypted(keyring, payload)),
  };
}

/** Whether a payload is one that this codec decodes; all others pass through. */
export function isEncrypted(payload: Payload): boolean {
  return field(payload, ENCODING_FIELD) === ENCODING;
}

function encrypted(keyring: Keyring, payload: Payload): Payload {
  const version = keyring.currentVersion;
  const keyId = `v${String(version)}`;
  const inner = PayloadProto.encode(payload).finish();
  return {
    metadata: { [ENCODING_FIELD]: Buffer.from(ENCODING), [KEY_ID_FIELD]: Buffer.from(keyId) },
    data: sealMessage(keyring.key(version), DOMAIN, bound(keyId), inner),
  };
}

function decrypted(keyring: Keyring, payload: Payload): Payload {
  if (!isEncrypted(payload)) return payload;
  const keyId = field(payload, KEY_ID_FIELD) ?? '';
  const version = /^v([1-9][0-9]{0,9})$/.exec(keyId)?.[1];
  // The key id is not ours to repeat: another program's id may say anything.
  if (version === undefined) throw new KeyProblem('key-version-unknown', 'payload key of a foreign id');
  const sealed = payload.data ?? new Uint8Array();
  return parsed(openMessage(keyring.key(Number(version)), DOMAIN, bound(keyId), sealed));
}

function parsed(inner: Uint8Array): Payload {
  try {
    return PayloadProto.decode(inner);
  } catch {
    throw new SealProblem('seal-format-unknown');
  }
}

function field(payload: Payload, name: string): string | undefined {
  const bytes = payload.metadata?.[name];
  return bytes == null ? undefined : Buffer.from(bytes).toString('utf8');
}

function bound(keyId: string): Uint8Array {
  return Buffer.from(`${ENCODING};${keyId}`, 'utf8');
}
