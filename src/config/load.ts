/** Reads `sluice.yaml`: form, cross checks, secrets, key files, policy. Every mistake is reported, at once. */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { dirname, isAbsolute, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

import { readKeyFile } from '../crypto/key-text.ts';
import { KeyProblem, type KeyProblemCode, type KeyPurpose } from '../crypto/keyring.ts';
import { type LocalKeyring, parseKeyring, requireDistinctKeys } from '../crypto/local-keyring.ts';
import { limitDefaults, type Limits } from '../limits.ts';
import type { BucketConfig, Config, DatabaseConfig, ServerConfig, StreamConfig, TemporalConfig } from './config.ts';
import { checkPolicyKeys, readPolicySection, type SectionTools } from './policy-section.ts';
import {
  type ConfigMistake,
  ConfigProblem,
  mistakesOf,
  parseSource,
  type Path,
  pathText,
  type SourceFile,
} from './problems.ts';
import { type ConfigDocument, configSchema, everySeconds, isLoopback, type SecretReference } from './schema.ts';
import { type Sound, without } from './sound.ts';

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
  const wrong = parsed.success ? undefined : mistakesOf(parsed.error.issues, source, configSchema);
  const sound: Sound<ConfigDocument> = parsed.success
    ? parsed.data
    : (without(source.value, wrong?.unsound ?? []) ?? {});
  const reader = new Reader(source, dirname(resolve(file)), options.environment ?? process.env);
  const config = await reader.build(sound);
  const mistakes = [...source.mistakes, ...(wrong?.mistakes ?? []), ...reader.mistakes];
  if (mistakes.length > 0 || reader.policyMistakes.length > 0) {
    const last = Number.MAX_SAFE_INTEGER;
    const byLine = (a: ConfigMistake, b: ConfigMistake): number => (a.line ?? last) - (b.line ?? last);
    throw new ConfigProblem(file, [...mistakes.sort(byLine), ...reader.policyMistakes.sort(byLine)]);
  }
  // Without a mistake nothing is missing.
  return config as Config;
}

/** A part of the configuration whose missing pieces stand among the mistakes. */
type Draft<T> = { [Key in keyof T]?: T[Key] | (T[Key] extends object ? Draft<T[Key]> : never) | undefined };
type Section<Name extends keyof ConfigDocument> = Sound<NonNullable<ConfigDocument[Name]>>;
type SoundSecret = Sound<SecretReference> | undefined;
type Server = Section<'servers'>['hub'];

/** Types that steer this service, or open the door of a server: data must not take their place. */
const controlTypes = new Set(['AidboxInstance', 'ChangesInfo', 'AccessPolicy', 'Client', 'Role', 'Session', 'User']);

/** A cursor is called `<instance>.<direction>.<Type>`, and its lanes `….l31`: 64 characters, FHIR's bound for an id. */
const idCharsMax = 64 - '.l31'.length;

const keyTexts: Readonly<Partial<Record<KeyProblemCode, string>>> = {
  'key-malformed': 'a line that is no key',
  'key-wrong-length': 'a key that has not 32 bytes',
  'key-duplicate-version': 'two keys of one version',
  'key-empty': 'no key',
  'key-file-open': 'a key file that is not private',
  'key-shared': 'the same key twice',
};

class Reader {
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

  /** Builds what there is; what is missing stands among the mistakes already. */
  async build(document: Sound<ConfigDocument>): Promise<Draft<Config>> {
    const { instance, servers, temporal, streams, reconcile, policy, steps, staging, state, keys, limits } = document;
    if (servers !== undefined) this.#twoServers(servers);
    const rings = await this.#keys(keys ?? {});
    const deid = await readPolicySection(policy ?? {}, this.#tools);
    if (rings.pseudonym !== undefined) checkPolicyKeys(deid, rings.pseudonym.versions, this.#tools);
    return {
      instance,
      servers: {
        instance: await this.#server(servers?.instance, ['servers', 'instance']),
        hub: await this.#server(servers?.hub, ['servers', 'hub']),
      },
      temporal: await this.#temporal(temporal ?? {}),
      streams: this.#streams(instance ?? '', streams ?? []),
      ...(reconcile?.every !== undefined && {
        reconcile: { everySeconds: everySeconds(reconcile.every), repair: reconcile.repair ?? false },
      }),
      policy: deid.policy,
      plugins: deid.plugins,
      steps: await this.#steps(steps ?? []),
      ...(await this.#staging(staging)),
      ...(await this.#state(state)),
      keys: rings,
      limits: this.#limits(limits ?? {}),
    };
  }

  readonly #tools: SectionTools = {
    mistake: (path, found, expected) => {
      this.#mistake(path, found, expected);
    },
    policyMistake: (mistake) => this.policyMistakes.push(mistake),
    resolve: (path) => this.#path(path),
    read: (file, path) => this.#file(file, path),
  };

  #mistake(path: Path, found: string, expected: string): void {
    const line = this.#source.lineOf(path);
    this.mistakes.push({ path: pathText(path), ...(line === undefined ? {} : { line }), found, expected });
  }

  #path(path: string): string {
    return isAbsolute(path) ? path : resolve(this.#folder, path);
  }

  #streams(instance: string, document: Section<'streams'>): StreamConfig[] {
    const byType = new Map<string, { direction: string | undefined; path: Path }>();
    return document.flatMap((group, index) =>
      (group?.types ?? []).flatMap((type, position) => {
        const { direction, every } = group ?? {};
        if (type === undefined) return [];
        const path = ['streams', index, 'types', position];
        this.#typeCheck(instance, direction ?? 'down', type, path);
        const other = byType.get(type);
        if (other !== undefined) {
          const sentence = other.direction === direction ? 'twice' : 'in both directions';
          this.#mistake(
            path,
            `${type} ${sentence} (also ${pathText(other.path)})`,
            'each type once, in one direction: one side owns it',
          );
        }
        byType.set(type, { direction, path });
        return direction === undefined || every === undefined
          ? []
          : [{ direction, type, everySeconds: everySeconds(every) }];
      }),
    );
  }

  #typeCheck(instance: string, direction: string, type: string, path: Path): void {
    if (controlTypes.has(type))
      this.#mistake(path, type, 'a type of data: this one steers the service or opens a server');
    const room = idCharsMax - `${instance}.${direction}.`.length;
    if (type.length > room)
      this.#mistake(
        path,
        `a name of ${String(type.length)} characters`,
        `at most ${String(room)}: it stands in the cursor's id`,
      );
  }

  /** A hub that is the instance would be fed with its own data, de-identified. */
  #twoServers({ instance, hub }: Section<'servers'>): void {
    if (instance?.url === undefined || hub?.url === undefined) return;
    if (withoutSlash(instance.url) === withoutSlash(hub.url))
      this.#mistake(['servers', 'hub', 'url'], 'the address of servers.instance', 'another server');
  }

  async #server(document: Server, path: Path): Promise<Draft<ServerConfig>> {
    const url = withoutSlash(document?.url ?? '');
    const ca = await this.#certificates(document?.caFile, [...path, 'caFile']);
    const common = { url, ...(ca === undefined ? {} : { ca: ca.toString('utf8') }) };
    const auth = document?.auth;
    if (auth === undefined) return common;
    if ('basic' in auth) {
      const secret = await this.#secret(auth.basic?.secret, [...path, 'auth', 'basic', 'secret']);
      return { ...common, auth: { kind: 'basic', client: auth.basic?.client, secret } };
    }
    if (!('clientCredentials' in auth)) return common;
    const { client, secret, tokenUrl = `${url}/auth/token` } = auth.clientCredentials ?? {};
    const text = await this.#secret(secret, [...path, 'auth', 'clientCredentials', 'secret']);
    return { ...common, auth: { kind: 'client-credentials', client, secret: text, tokenUrl } };
  }

  async #staging(
    document: Section<'staging'> | undefined,
  ): Promise<Draft<Pick<Config, 'stagingFolder' | 'stagingBucket'>>> {
    if (document === undefined || !('s3' in document)) {
      const { folder = '' } = (document ?? {}) as { folder?: string };
      return { stagingFolder: this.#path(folder) };
    }
    const { caFile, accessKeyId, secretAccessKey, ...plain } = document.s3 ?? {};
    const path = ['staging', 's3'];
    const written = Object.keys(valueIn(this.#source, 'staging', 's3') ?? {});
    if (written.includes('accessKeyId') !== written.includes('secretAccessKey'))
      this.#mistake(path, 'one of accessKeyId and secretAccessKey', 'both of them or none');
    const ca = await this.#certificates(caFile, [...path, 'caFile']);
    const id = await this.#secret(accessKeyId, [...path, 'accessKeyId']);
    const key = await this.#secret(secretAccessKey, [...path, 'secretAccessKey']);
    const bucket = {
      ...plain,
      ...(ca === undefined ? {} : { ca: ca.toString('utf8') }),
      ...(id === undefined || key === undefined ? {} : { credentials: { accessKeyId: id, secretAccessKey: key } }),
    };
    // What is missing in it stands among the mistakes.
    return { stagingFolder: '', stagingBucket: bucket as BucketConfig };
  }

  async #state(document: Section<'state'> | undefined): Promise<Draft<Pick<Config, 'stateFile' | 'stateDatabase'>>> {
    if (document === undefined || !('postgres' in document)) {
      const { file = '' } = (document ?? {}) as { file?: string };
      return { stateFile: this.#path(file) };
    }
    const { url, password, caFile, schema } = document.postgres ?? {};
    const path = ['state', 'postgres'];
    const pem = await this.#certificates(caFile, [...path, 'caFile']);
    const text = await this.#secret(password, [...path, 'password']);
    const ca = pem === undefined ? {} : { ca: pem.toString('utf8') };
    const plain = caFile === undefined && url !== undefined && isLoopback(new URL(url).hostname);
    // What is missing in it stands among the mistakes.
    return { stateFile: '', stateDatabase: { url, password: text, plain, ...ca, schema } as DatabaseConfig };
  }

  async #temporal(document: Section<'temporal'>): Promise<Draft<TemporalConfig>> {
    const { tls, apiKey, address, namespace } = document;
    const key = await this.#secret(apiKey, ['temporal', 'apiKey']);
    if (address !== undefined) this.#temporalAddress(address, valueIn(this.#source, 'temporal', 'tls'));
    if (tls !== undefined && (tls.certFile === undefined) !== (tls.keyFile === undefined)) {
      this.#mistake(['temporal', 'tls'], 'one of certFile and keyFile', 'both of them or none');
    }
    const ca = await this.#certificates(tls?.caFile, ['temporal', 'tls', 'caFile']);
    const crt = await this.#certificates(tls?.certFile, ['temporal', 'tls', 'certFile']);
    const pem = await this.#privateKey(tls?.keyFile, ['temporal', 'tls', 'keyFile']);
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

  #temporalAddress(address: string, tls: unknown): void {
    const [host, port] = [
      address.slice(0, address.lastIndexOf(':')),
      Number(address.slice(address.lastIndexOf(':') + 1)),
    ];
    if (port < 1 || port > 65_535) this.#mistake(['temporal', 'address'], `port ${String(port)}`, 'a port up to 65535');
    if (tls === undefined && !isLoopback(host))
      this.#mistake(['temporal', 'tls'], 'nothing', 'tls: {} or more, since the address is not on loopback');
  }

  async #steps(documents: Section<'steps'>): Promise<{ name: string; moduleUrl: string }[]> {
    const names = new Set<string>();
    const steps: { name: string; moduleUrl: string }[] = [];
    for (const [index, step] of documents.entries()) {
      const { name = '', module } = step ?? {};
      if (name !== '' && names.has(name))
        this.#mistake(['steps', index, 'name'], JSON.stringify(name), 'a name that no other step has');
      names.add(name);
      if (module === undefined) continue;
      const moduleUrl = pathToFileURL(this.#path(module)).href;
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

  async #keys(document: Section<'keys'>): Promise<{ [Purpose in KeyPurpose]: LocalKeyring | undefined }> {
    const staging = await this.#keyring('staging', document.staging);
    const pseudonym = await this.#keyring('pseudonym', document.pseudonym);
    const payload = await this.#keyring('payload', document.payload);
    this.#distinct(staging, pseudonym);
    this.#distinct(staging, payload);
    this.#distinct(pseudonym, payload);
    return { staging, pseudonym, payload };
  }

  #distinct(one: LocalKeyring | undefined, other: LocalKeyring | undefined): void {
    if (one === undefined || other === undefined) return;
    this.#keyWork(['keys', other.purpose], () => {
      requireDistinctKeys([one, other]);
    });
  }

  async #keyring(purpose: KeyPurpose, reference: SoundSecret): Promise<LocalKeyring | undefined> {
    const path = ['keys', purpose];
    const text = await this.#keyText(reference, path);
    return text === undefined ? undefined : this.#keyWork(path, () => parseKeyring(purpose, text));
  }

  async #keyText(reference: SoundSecret, path: Path): Promise<string | undefined> {
    if (reference === undefined) return undefined;
    if ('env' in reference && reference.env !== undefined) return this.#variable(reference.env, path);
    if (!('file' in reference) || reference.file === undefined) return undefined;
    try {
      return await readKeyFile(this.#path(reference.file));
    } catch (error) {
      this.#keyProblem([...path, 'file'], error);
      return undefined;
    }
  }

  #keyWork<Result>(path: Path, work: () => Result): Result | undefined {
    try {
      return work();
    } catch (error) {
      this.#keyProblem(path, error);
      return undefined;
    }
  }

  #keyProblem(path: Path, error: unknown): void {
    if (!(error instanceof KeyProblem)) throw error;
    const { code, message } = error;
    if (code === 'key-file-unreadable') {
      // Its path is not told: somebody may have written the key itself there.
      this.#mistake(path, 'a path where no key file can be read', 'a key file (`sluice keygen` makes one)');
      return;
    }
    const where = message.slice(code.length + 2);
    const expected = code === 'key-shared' ? 'a key of its own for each purpose' : keyForm;
    this.#mistake(path, `${keyTexts[code] ?? code} (${where})`, code === 'key-file-open' ? 'mode 600' : expected);
  }

  /** A secret's text, or `undefined` where the setting is missing or its mistake has been noted. */
  async #secret(reference: SoundSecret, path: Path): Promise<string | undefined> {
    if (reference === undefined) return undefined;
    if ('env' in reference && reference.env !== undefined)
      return this.#oneLine(this.#variable(reference.env, path), [...path, 'env']);
    if (!('file' in reference) || reference.file === undefined) return undefined;
    const at = [...path, 'file'];
    try {
      return this.#oneLine((await readFile(this.#path(reference.file), 'utf8')).trim(), at);
    } catch {
      // Its path is not told: somebody may have written the secret itself there.
      this.#mistake(at, 'a path where no file can be read', 'a file that this user can read');
      return undefined;
    }
  }

  #oneLine(secret: string | undefined, path: Path): string | undefined {
    if (secret === undefined) return undefined;
    if (secret === '') this.#mistake(path, 'an empty file', 'a file with the secret');
    // Anything else would not fit into a header.
    else if (!/^[\x21-\x7e\x80-\uffff ]+$/.test(secret))
      this.#mistake(path, 'a secret with line ends or other control characters', 'a secret on one line');
    return secret;
  }

  #variable(name: string, path: Path): string | undefined {
    const value = this.#environment[name];
    if (value !== undefined && value !== '') return value;
    // A name in small letters may be the secret itself.
    const told = /^[A-Z_][A-Z0-9_]*$/.test(name) ? `the environment variable ${name}` : 'that environment variable';
    this.#mistake([...path, 'env'], `no value in ${told}`, 'a value');
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

  #certificates(file: string | undefined, path: Path): Promise<Buffer | undefined> {
    return this.#pem(file, path, 'a PEM file of certificates', (pem) => new X509Certificate(pem));
  }

  #privateKey(file: string | undefined, path: Path): Promise<Buffer | undefined> {
    return this.#pem(file, path, 'a PEM file of a private key without a passphrase', (pem) => createPrivateKey(pem));
  }

  async #pem(
    file: string | undefined,
    path: Path,
    expected: string,
    parse: (pem: Buffer) => unknown,
  ): Promise<Buffer | undefined> {
    const pem = file === undefined ? undefined : await this.#file(file, path);
    if (pem === undefined) return undefined;
    try {
      parse(pem);
    } catch {
      this.#mistake(path, 'a file of another kind', expected);
    }
    return pem;
  }

  #limits(document: Section<'limits'>): Limits {
    const set = Object.entries(document).filter(([, value]) => value !== undefined);
    const limits = { ...limitDefaults, ...Object.fromEntries(set) } as Limits;
    if (limits.resourceBytesMax > limits.bundleBytesMax) {
      this.#mistake(
        ['limits', 'resourceBytesMax' in document ? 'resourceBytesMax' : 'bundleBytesMax'],
        `resourceBytesMax ${String(limits.resourceBytesMax)} above bundleBytesMax ${String(limits.bundleBytesMax)}`,
        'resourceBytesMax at most bundleBytesMax: each resource has to fit into a bundle',
      );
    }
    return limits;
  }
}

const keyForm = 'lines of v<version>:<base64 of 32 bytes> (`sluice keygen` makes one)';

const withoutSlash = (url: string): string => url.replace(/\/+$/, '');

/** What the file itself has at a place, sound or not. */
function valueIn(source: SourceFile, section: string, name: string): unknown {
  const group = (source.value as Record<string, unknown>)[section];
  return (group as Record<string, unknown>)[name];
}
