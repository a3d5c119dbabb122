/**
 * Keyed methods: hash, pseudonym, ciphertext.
 * Sources: Tools-for-Health-Data-Anonymization, CryptoHashUtility.cs and EncryptUtility.cs; fhir-pseudonymizer,
 * CryptoHashProcessor.cs, PseudonymizationProcessor.cs and EncryptUtility.cs
 */
import { createCipheriv, createDecipheriv, createHmac } from 'node:crypto';
import { textOf } from '../tree/node.ts';
import type { Node } from '../tree/node.ts';
import type { CompatRandom, Method } from './method.ts';
import { changeReference, isReferenceNode, referenceParts } from './references.ts';

/** HMAC-SHA256 as 64 hex digits. */
const hmacHex = (key: string | Uint8Array, text: string): string =>
  createHmac('sha256', key).update(text, 'utf8').digest('hex');

export interface HashSettings {
  readonly key: string;
  readonly lengthMax: number | undefined;
  readonly ofPseudonymizer: boolean;
}

export function cryptoHash({ key, lengthMax, ofPseudonymizer }: HashSettings): Method {
  const hash = (text: string): string => hmacHex(key, text).slice(0, lengthMax);
  return (node) => {
    const text = textOf(node.value);
    if (text === '') return undefined;
    node.value = isReferenceNode(node, text, ofPseudonymizer)
      ? changeReference(text, ofPseudonymizer, hash)
      : hash(text);
    return 'cryptoHash';
  };
}

export interface PseudonymSettings {
  readonly key: string;
  readonly domain: string | undefined;
  readonly domainPrefix: string;
}

/** The type of the resource that a reference names: its pseudonym is then the one of that resource's id. */
const typeIn = (prefix: string): string => prefix.replace(/[/?].*$/, '').replace(/\/$/, '');

function domainOf(node: Node, text: string): string {
  const prefix = isReferenceNode(node, text, true) ? referenceParts(text, true)?.prefix : undefined;
  if (prefix !== undefined) return typeIn(prefix.replace(/^https?:\/\/.*\/(?=[A-Za-z]+\/$)/, ''));
  return node.name === 'id' && node.parent?.isResource === true ? node.parent.type : '';
}

/**
 * fhir-pseudonymizer asks a service for pseudonyms; here they are an HMAC of domain and value under the hash key, stable
 * and not to be undone. Without a domain, ids and references take the resource's type, as its manual says.
 */
export function pseudonymize({ key, domain, domainPrefix }: PseudonymSettings): Method {
  const secret = createHmac('sha256', key).update('fhir-sluice/compat/pseudonymize').digest();
  return (node) => {
    const text = textOf(node.value);
    if (text === '') return undefined;
    const within = domainPrefix + (domain ?? domainOf(node, text));
    const pseudonym = (value: string): string => hmacHex(secret, `${within}\u0000${value}`);
    node.value = isReferenceNode(node, text, true) ? changeReference(text, true, pseudonym) : pseudonym(text);
    return 'pseudonymize';
  };
}

const ivBytes = 16;

export interface EncryptSettings {
  readonly key: Uint8Array;
  readonly encoding: 'base64' | 'hex';
  readonly random: CompatRandom;
}

const cipherName = (key: Uint8Array): string => `aes-${String(key.length * 8)}-cbc`;

/** AES-CBC, the random vector in front. Nothing tells a changed ciphertext: for compatibility alone. */
export function encryptText(text: string, { key, encoding, random }: EncryptSettings): string {
  const iv = random.bytes(ivBytes);
  const cipher = createCipheriv(cipherName(key), key, iv);
  const bytes = Buffer.concat([iv, cipher.update(text, 'utf8'), cipher.final()]);
  return encoding === 'hex' ? bytes.toString('hex').toUpperCase() : bytes.toString('base64');
}

/** Reads what {@link encryptText} or the tools themselves wrote. Throws on what is none. */
export function decryptText(text: string, key: Uint8Array, encoding: 'base64' | 'hex'): string {
  const bytes = Buffer.from(text, encoding);
  const decipher = createDecipheriv(cipherName(key), key, bytes.subarray(0, ivBytes));
  return Buffer.concat([decipher.update(bytes.subarray(ivBytes)), decipher.final()]).toString('utf8');
}

export function encrypt(settings: EncryptSettings): Method {
  return (node) => {
    const text = textOf(node.value);
    if (text === '') return undefined;
    node.value = encryptText(text, settings);
    return 'encrypt';
  };
}
