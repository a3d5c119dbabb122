/**
 * Wraps batch data keys under the site's own staging keyring. A KMS takes this file's place, not its callers'.
 *
 * There is one wrap a batch, and each is sealed under a key of its own (`derived-key.ts`), so the number of wraps a staging key may
 * do is not a bound to watch.
 */
import { lengthFramed } from './derived-key.ts';
import type { KeyWrapper, Keyring } from './keyring.ts';
import { requirePurpose } from './local-keyring.ts';
import { openMessage, sealMessage } from './sealed-message.ts';

const DOMAIN = 'staging/data-key/v1';

/** A `KeyWrapper` over the `staging` keyring. Wraps under the current version, unwraps every version of the ring. */
export function localKeyWrapper(keyring: Keyring): KeyWrapper {
  requirePurpose(keyring, 'staging');
  return {
    async wrap(dataKey, context) {
      const keyVersion = keyring.currentVersion;
      const wrapped = sealMessage(keyring.key(keyVersion), DOMAIN, bound(keyVersion, context), dataKey);
      return { keyVersion, wrapped };
    },
    async unwrap({ keyVersion, wrapped }, context) {
      return openMessage(keyring.key(keyVersion), DOMAIN, bound(keyVersion, context), wrapped);
    },
  };
}

function bound(keyVersion: number, context: Uint8Array): Uint8Array {
  const version = Buffer.alloc(4);
  version.writeUInt32BE(keyVersion);
  return Buffer.concat([version, lengthFramed(context)]);
}
