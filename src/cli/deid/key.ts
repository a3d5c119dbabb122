/** The pseudonym key of a run: a site's, from its key file, or a new one that nobody keeps. */
import { randomBytes } from 'node:crypto';

import { parseKeyText, readKeyFile } from '../../crypto/key-text.ts';
import { KeyProblem } from '../../crypto/keyring.ts';
import type { DeidKeys } from '../../deid/engine.ts';
import type { ResolvedPolicy } from '../../deid/policy/document.ts';
import { keyPurposes } from '../../deid/policy/document.ts';

export interface RunKeys {
  readonly keys: DeidKeys;
  /** Made for this run alone. */
  readonly isEphemeral: boolean;
}

/** Throws `KeyProblem` where the file cannot be used. */
export async function runKeys(file: string | undefined): Promise<RunKeys> {
  if (file === undefined) {
    return { keys: { pseudonymKeyVersion: 1, pseudonymKey: new Uint8Array(randomBytes(32)) }, isEphemeral: true };
  }
  const entries = parseKeyText('pseudonym', await readKeyFile(file)).toSorted((a, b) => b.version - a.version);
  const [current, ...older] = entries;
  if (current === undefined) throw new KeyProblem('key-empty', file);
  const olderKeys = new Map(older.map(({ version, key }) => [version, key]));
  return { keys: { pseudonymKeyVersion: current.version, pseudonymKey: current.key, olderKeys }, isEphemeral: false };
}

/** Versions that a policy's `keys` names and the file does not have. */
export function missingVersions({ keys: wanted }: ResolvedPolicy, keys: DeidKeys): number[] {
  const held = new Set([keys.pseudonymKeyVersion, ...(keys.olderKeys?.keys() ?? [])]);
  const named = keyPurposes.flatMap((purpose) => wanted[purpose] ?? []);
  return [...new Set(named)].filter((version) => !held.has(version));
}

export const ephemeralNote =
  'No --key: pseudonyms, hashes and shifted dates are made with a random key that is forgotten now. The next run gives others.';
