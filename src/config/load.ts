/** Reads `sluice.yaml`: form, cross checks, secrets, key files, policy. Every mistake is reported, at once. */
import { readFile } from 'node:fs/promises';
import { dirname, isAbsolute, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

import { readKeyFile } from '../crypto/key-text.ts';
import { KeyProblem, type KeyPurpose } from '../crypto/keyring.ts';
import { type LocalKeyring, parseKeyring, requireDistinctKeys } from '../crypto/local-keyring.ts';
import type { PolicyDocument } from '../deid/policy.ts';
import { readPolicy } from '../deid/read-policy.ts';
import { limitDefaults, type Limits } from '../limits.ts';
import type { Config, ServerConfig, StreamConfig, TemporalConfig } from './config.ts';
import { type ConfigMistake, ConfigProblem, mistakesOf, parseSource, pathText, type SourceFile } from './problems.ts';
import {
  type ConfigDocument,
  configSchema,
  everySeconds,
  type SecretReference,
  type ServerDocument,
} from './schema.ts';

/** What `loadConfig` works with; tests hand in an environment of their own. */
export interface LoadOptions {
  readonly environment?: Readonly<Record<string, string | undefined>>;
}

/**
 * Loads and checks a configuration.
 * @param file - path of `sluice.yaml`; relative paths in it are relative to its folder
 * @throws ConfigProblem with every mistake that was found
 */
export async function loadConfig(file: string, options: LoadOptions = {}): Promise<Config> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch {
    throw new ConfigProblem(file, [
      { path: '(the file)', found: 'nothing that can be read', expected: 'a sluice.yaml' },
    ]);
  }
  const source = parseSource(text);
  if (Array.isArray(source)) throw new ConfigProblem(file, source);
  const parsed = configSchema.safeParse(source.value);
  const reader = new Reader(source, dirname(resolve(file)), options.environment ?? process.env);
  const config = await reader.build(parsed.success ? parsed.data : soundSections(source.value));
  const mistakes = [...(parsed.success ? [] : mistakesOf(parsed.error.issues, source)), ...reader.mistakes];
  if (mistakes.length > 0) throw new ConfigProblem(file, mistakes);
  return config as Config;
}

/** The sections that are sound by themselves: a mistake in one must not hide those of another. */
function soundSections(value: unknown): Partial<ConfigDocument> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return {};
  const sections = Object.entries(configSchema.shape).flatMap(([name, schema]) => {
    const parsed = schema.safeParse((value as Record<string, unknown>)[name]);
    return parsed.success ? [[name, parsed.data] as const] : [];
  });
  return Object.fromEntries(sections);
}

type Path = readonly PropertyKey[];

class Reader {
  readonly mistakes: ConfigMistake[] = [];
  readonly #source: SourceFile;
  readonly #folder: string;
  readonly #environment: Readonly<Record<string, string | undefined>>;

  constructor(source: SourceFile, folder: string, environment: Readonly<Record<string, string | undefined>>) {
    this.#source = source;
    this.#folder = folder;
    this.#environment = environment;
  }

  /** Builds what there is; what is missing stands among the mistakes already. */
  async build(document: Partial<ConfigDocument>): Promise<Partial<Config>> {
    const { instance, servers, temporal, streams, policy, steps, staging, state, keys, limits } = document;
    return {
      ...(instance && { instance }),
      ...(servers && {
        servers: {
          instance: await this.#server(servers.instance, ['servers', 'instance']),
          hub: await this.#server(servers.hub, ['servers', 'hub']),
        },
      }),
      ...(temporal && { temporal: await this.#temporal(temporal) }),
      ...(streams && { streams: this.#streams(streams) }),
      ...(policy && { policy: await this.#policy(policy) }),
      ...(steps && { steps: await this.#steps(steps) }),
      ...(staging && { stagingFolder: this.#path(staging.folder) }),
      ...(state && { stateFile: this.#path(state.file) }),
      ...(keys && { keys: await this.#keys(keys) }),
      ...(limits && { limits: this.#limits(limits) }),
    };
  }

  #mistake(path: Path, found: string, expected: string): void {
    const line = this.#source.lineOf(path);
    this.mistakes.push({ path: pathText(path), ...(line === undefined ? {} : { line }), found, expected });
  }

  #path(path: string): string {
    return isAbsolute(path) ? path : resolve(this.#folder, path);
  }

  #streams(document: ConfigDocument['streams']): StreamConfig[] {
    const byType = new Map<string, { direction: string; path: Path }>();
    return document.flatMap((group, index) =>
      group.types.map((type, position) => {
        const path = ['streams', index, 'types', position];
        const other = byType.get(type);
        if (other !== undefined) {
          const sentence = other.direction === group.direction ? 'twice' : 'in both directions';
          this.#mistake(
            path,
            `${type} ${sentence} (also ${pathText(other.path)})`,
            'each type once, in one direction: one side owns it',
          );
        }
        byType.set(type, { direction: group.direction, path });
        return { direction: group.direction, type, everySeconds: everySeconds(group.every) };
      }),
    );
  }

  async #server(document: ServerDocument, path: Path): Promise<ServerConfig> {
    const url = document.url.replace(/\/+$/, '');
    const ca = document.caFile === undefined ? undefined : await this.#file(document.caFile, [...path, 'caFile']);
    const common = { url, ...(ca === undefined ? {} : { ca: ca.toString('utf8') }) };
    if ('basic' in document.auth) {
      const { client, secret } = document.auth.basic;
      return {
        ...common,
        auth: { kind: 'basic', client, secret: await this.#secret(secret, [...path, 'auth', 'basic', 'secret']) },
      };
    }
    const { client, secret, tokenUrl } = document.auth.clientCredentials;
    return {
      ...common,
      auth: {
        kind: 'client-credentials',
        client,
        secret: await this.#secret(secret, [...path, 'auth', 'clientCredentials', 'secret']),
        tokenUrl: tokenUrl ?? `${url}/auth/token`,
      },
    };
  }

  async #temporal(document: ConfigDocument['temporal']): Promise<TemporalConfig> {
    const { tls, apiKey, address, namespace } = document;
    const key = apiKey === undefined ? undefined : await this.#secret(apiKey, ['temporal', 'apiKey']);
    const onLoopback = /^(127\.|localhost:|\[::1\])/.test(address);
    if (!onLoopback && tls === undefined) {
      this.#mistake(['temporal', 'tls'], 'nothing', 'tls: {} or more, since the address is not on loopback');
    }
    if (tls !== undefined && (tls.certFile === undefined) !== (tls.keyFile === undefined)) {
      this.#mistake(['temporal', 'tls'], 'one of certFile and keyFile', 'both of them or none');
    }
    const read = (name: 'caFile' | 'certFile' | 'keyFile'): Promise<Buffer | undefined> =>
      tls?.[name] === undefined ? Promise.resolve(undefined) : this.#file(tls[name], ['temporal', 'tls', name]);
    const [ca, crt, pem] = [await read('caFile'), await read('certFile'), await read('keyFile')];
    return {
      address,
      namespace,
      ...(key === undefined ? {} : { apiKey: key }),
      ...(tls === undefined
        ? {}
        : {
            tls: {
              ...(tls.serverName === undefined ? {} : { serverNameOverride: tls.serverName }),
              ...(ca === undefined ? {} : { serverRootCACertificate: ca }),
              ...(crt === undefined || pem === undefined ? {} : { clientCertPair: { crt, key: pem } }),
            },
          }),
    };
  }

  async #policy(document: ConfigDocument['policy']): Promise<PolicyDocument> {
    const fallback: PolicyDocument = { apiVersion: 'fhir-sluice/v1', extends: 'aidbox-default' };
    if ('preset' in document) return { apiVersion: 'fhir-sluice/v1', extends: document.preset };
    const text = await this.#file(document.file, ['policy', 'file']);
    if (text === undefined) return fallback;
    const reading = readPolicy(text.toString('utf8'));
    if (reading.ok) return reading.policy;
    for (const problem of reading.problems) {
      this.mistakes.push({
        ...problem,
        path: `policy.file → ${document.file}: ${problem.path === '' ? '(the file)' : problem.path}`,
      });
    }
    return fallback;
  }

  async #steps(documents: ConfigDocument['steps']): Promise<{ name: string; moduleUrl: string }[]> {
    const names = new Set<string>();
    const steps: { name: string; moduleUrl: string }[] = [];
    for (const [index, { name, module }] of documents.entries()) {
      if (names.has(name))
        this.#mistake(['steps', index, 'name'], JSON.stringify(name), 'a name that no other step has');
      names.add(name);
      const path = this.#path(module);
      const moduleUrl = pathToFileURL(path).href;
      if ((await this.#file(module, ['steps', index, 'module'])) !== undefined)
        await this.#stepModule(moduleUrl, ['steps', index, 'module']);
      steps.push({ name, moduleUrl });
    }
    return steps;
  }

  async #stepModule(moduleUrl: string, path: Path): Promise<void> {
    try {
      const module = (await import(moduleUrl)) as { default?: unknown };
      if (typeof module.default !== 'function')
        this.#mistake(
          path,
          'a module without a default export that is a function',
          'export default (resources, context) => resources',
        );
    } catch {
      this.#mistake(path, 'a module that cannot be loaded', 'an ES module that node can import');
    }
  }

  async #keys(document: ConfigDocument['keys']): Promise<Config['keys']> {
    const staging = await this.#keyring('staging', document.staging);
    const pseudonym = await this.#keyring('pseudonym', document.pseudonym);
    const payload = await this.#keyring('payload', document.payload);
    const rings = [staging, pseudonym, payload].filter((ring) => ring !== undefined);
    try {
      requireDistinctKeys(rings);
    } catch (error) {
      if (!(error instanceof KeyProblem)) throw error;
      this.#mistake(['keys'], error.message, 'a key of its own for each purpose');
    }
    // A missing ring stands among the mistakes, and then nobody gets to see this object.
    return { staging, pseudonym, payload } as Config['keys'];
  }

  async #keyring(purpose: KeyPurpose, reference: SecretReference): Promise<LocalKeyring | undefined> {
    const path = ['keys', purpose];
    try {
      const text =
        'file' in reference ? await readKeyFile(this.#path(reference.file)) : this.#variable(reference.env, path);
      return text === undefined ? undefined : parseKeyring(purpose, text);
    } catch (error) {
      if (!(error instanceof KeyProblem)) throw error;
      this.#mistake(path, error.message, 'lines of v<version>:<base64 of 32 bytes> (`sluice keygen` makes one)');
      return undefined;
    }
  }

  async #secret(reference: SecretReference, path: Path): Promise<string> {
    if ('env' in reference) return this.#variable(reference.env, path) ?? '';
    return (await this.#file(reference.file, path))?.toString('utf8').trim() ?? '';
  }

  #variable(name: string, path: Path): string | undefined {
    const value = this.#environment[name];
    if (value !== undefined && value !== '') return value;
    this.#mistake([...path, 'env'], `no value in the environment variable ${name}`, 'a value');
    return undefined;
  }

  async #file(file: string, path: Path): Promise<Buffer | undefined> {
    try {
      return await readFile(this.#path(file));
    } catch {
      this.#mistake(path, `${file}, which cannot be read`, 'a file that this user can read');
      return undefined;
    }
  }

  #limits(document: ConfigDocument['limits']): Limits {
    const set = Object.entries(document).filter(([, value]) => value !== undefined);
    const limits = { ...limitDefaults, ...Object.fromEntries(set) } as Limits;
    if (limits.resourceBytesMax > limits.bundleBytesMax) {
      this.#mistake(
        ['limits', 'resourceBytesMax'],
        String(limits.resourceBytesMax),
        `at most bundleBytesMax (${String(limits.bundleBytesMax)}): each resource has to fit into a bundle`,
      );
    }
    return limits;
  }
}
