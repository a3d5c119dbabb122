/**
 * The keys of a run. What a configuration leaves empty is random, as with Microsoft's tool: the same for one process in
 * hashes and ciphertexts, another for each engine in shifts.
 * Sources: Tools-for-Health-Data-Anonymization, AnonymizerConfiguration.cs; fhir-pseudonymizer, KeyDerivation.cs
 */
import { hkdfSync, randomBytes } from 'node:crypto';
import type { CompatParameters } from '../config/document.ts';
import type { CompatRandom } from './method.ts';

export interface CompatKeys {
  readonly dateShift: string;
  readonly cryptoHash: string;
  readonly encrypt: Uint8Array;
}

const salt = 'FhirPseudonymizer.KeyDerivation.v1';
const derivedBytes = 32;

/** HKDF of a master key for one context and purpose. */
const derived = (master: string, context: string, purpose: 'cryptoHash' | 'encrypt'): Buffer =>
  Buffer.from(hkdfSync('sha256', Buffer.from(master, 'utf8'), salt, `${context}:${purpose}`, derivedBytes));

const randomKey = (random: CompatRandom): string => Buffer.from(random.bytes(16)).toString('hex');

let ofProcess: string | undefined;
const processKey = (): string => (ofProcess ??= randomBytes(16).toString('hex'));

/** `random` only where it was handed in: then nothing is shared within the process. */
export function keysOf(parameters: CompatParameters, random: CompatRandom, isInjected: boolean): CompatKeys {
  const { dateShiftKey, cryptoHashKey, encryptKey, keyDerivationContext: context } = parameters;
  const fallback = isInjected ? randomKey(random) : processKey();
  const derives = (key: string): boolean => context !== undefined && key.trim() !== '';
  return {
    dateShift: dateShiftKey === '' ? randomKey(random) : dateShiftKey,
    cryptoHash: derives(cryptoHashKey)
      ? derived(cryptoHashKey, context ?? '', 'cryptoHash').toString('hex')
      : cryptoHashKey || fallback,
    encrypt: derives(encryptKey)
      ? derived(encryptKey, context ?? '', 'encrypt')
      : Buffer.from(encryptKey || fallback, 'utf8'),
  };
}
