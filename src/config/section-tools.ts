/** What the reader of the whole file lends to the readers of its sections: where mistakes go, and how files and secrets are read. */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { isAbsolute, resolve } from 'node:path';

import { type ConfigMistake, type Path, pathText, type SourceFile } from './problems.ts';
import type { ConfigDocument, SecretReference } from './schema.ts';
import type { Sound } from './sound.ts';

/** A part of the configuration whose missing pieces stand among the mistakes. */
export type Draft<T> = { [Key in keyof T]?: T[Key] | (T[Key] extends object ? Draft<T[Key]> : never) | undefined };

/** A section of the file, without its mistakes. */
export type Section<Name extends keyof ConfigDocument> = Sound<NonNullable<ConfigDocument[Name]>>;

/** Where a secret stands. */
export type SoundSecret = Sound<SecretReference> | undefined;

/** Whatever cannot be read is noted as a mistake, and given back as `undefined`. */
export class SectionTools {
  readonly mistakes: ConfigMistake[] = [];
  /** Those of the policy's own file: their lines are of that file. */
  readonly policyMistakes: ConfigMistake[] = [];
  readonly #source: SourceFile;
  readonly #folder: string;
  readonly #environment: Readonly<Record<string, string | undefined>>;

  constructor(source: SourceFile, folder: string, environment: Readonly<Record<string, string | undefined>>) {
    this.#source = source;
    this.#folder = folder;
    this.#environment = environment;
  }

  /** Notes a mistake of `sluice.yaml`. */
  mistake(path: Path, found: string, expected: string): void {
    const line = this.#source.lineOf(path);
    this.mistakes.push({ path: pathText(path), ...(line === undefined ? {} : { line }), found, expected });
  }

  /** Notes a mistake of the policy's own file. */
  policyMistake(mistake: ConfigMistake): void {
    this.policyMistakes.push(mistake);
  }

  /** A path as the file means it. */
  resolve(path: string): string {
    return isAbsolute(path) ? path : resolve(this.#folder, path);
  }

  /** What the file itself has at a place, sound or not. */
  written(section: string, name: string): unknown {
    const group = (this.#source.value as Record<string, unknown>)[section];
    return (group as Record<string, unknown>)[name];
  }

  /** A secret's text, or `undefined` where the setting is missing or its mistake has been noted. */
  async secret(reference: SoundSecret, path: Path): Promise<string | undefined> {
    if (reference === undefined) return undefined;
    if ('env' in reference && reference.env !== undefined)
      return this.#oneLine(this.variable(reference.env, path), [...path, 'env']);
    if (!('file' in reference) || reference.file === undefined) return undefined;
    const at = [...path, 'file'];
    try {
      return this.#oneLine((await readFile(this.resolve(reference.file), 'utf8')).trim(), at);
    } catch {
      // Its path is not told: somebody may have written the secret itself there.
      this.mistake(at, 'a path where no file can be read', 'a file that this user can read');
      return undefined;
    }
  }

  /** An environment variable's value. */
  variable(name: string, path: Path): string | undefined {
    const value = this.#environment[name];
    if (value !== undefined && value !== '') return value;
    // A name in small letters may be the secret itself.
    const told = /^[A-Z_][A-Z0-9_]*$/.test(name) ? `the environment variable ${name}` : 'that environment variable';
    this.mistake([...path, 'env'], `no value in ${told}`, 'a value');
    return undefined;
  }

  /** A file's bytes. */
  async read(file: string, path: Path): Promise<Buffer | undefined> {
    try {
      return await readFile(this.resolve(file));
    } catch {
      this.mistake(path, `${file}, which cannot be read`, 'a file that this user can read');
      return undefined;
    }
  }

  /** A PEM file of certificates. */
  certificates(file: string | undefined, path: Path): Promise<Buffer | undefined> {
    return this.#pem(file, path, 'a PEM file of certificates', (pem) => new X509Certificate(pem));
  }

  /** A PEM file of a private key. */
  privateKey(file: string | undefined, path: Path): Promise<Buffer | undefined> {
    return this.#pem(file, path, 'a PEM file of a private key without a passphrase', (pem) => createPrivateKey(pem));
  }

  async #pem(
    file: string | undefined,
    path: Path,
    expected: string,
    parse: (pem: Buffer) => unknown,
  ): Promise<Buffer | undefined> {
    const pem = file === undefined ? undefined : await this.read(file, path);
    if (pem === undefined) return undefined;
    try {
      parse(pem);
    } catch {
      this.mistake(path, 'a file of another kind', expected);
    }
    return pem;
  }

  #oneLine(secret: string | undefined, path: Path): string | undefined {
    if (secret === undefined) return undefined;
    if (secret === '') this.mistake(path, 'an empty file', 'a file with the secret');
    // Anything else would not fit into a header.
    else if (!/^[\x21-\x7e\x80-\uffff ]+$/.test(secret))
      this.mistake(path, 'a secret with line ends or other control characters', 'a secret on one line');
    return secret;
  }
}
