/** The data converter that every Temporal client and worker of the project takes. */
import { fileURLToPath } from 'node:url';
import type { DataConverter } from '@temporalio/common';
import type { Keyring } from './keyring.ts';
import { payloadCodec } from './payload-codec.ts';

/** Encrypts payloads and failures under the `payload` keyring. */
export function sluiceDataConverter(keyring: Keyring): DataConverter {
  return {
    failureConverterPath: fileURLToPath(new URL('./failure-converter.ts', import.meta.url)),
    payloadCodecs: [payloadCodec(keyring)],
  };
}
