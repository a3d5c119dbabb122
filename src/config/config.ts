/** The service's configuration, read once: file, environment, secrets, policy; checked as a whole. */
import type { PolicyDocument } from '../deid/policy/document.ts';
import type { Keyring } from '../crypto/keyring.ts';
import type { Limits } from '../limits.ts';

export type Direction = 'up' | 'down';

export interface StreamConfig {
  readonly direction: Direction;
  readonly type: string;
  readonly everySeconds: number;
}

export interface ServerConfig {
  readonly url: string;
  readonly auth:
    | { readonly kind: 'basic'; readonly client: string; readonly secret: string }
    | {
        readonly kind: 'client-credentials';
        readonly client: string;
        readonly secret: string;
        readonly tokenUrl: string;
      };
  readonly ca?: string;
}

export interface TemporalConfig {
  readonly address: string;
  readonly namespace: string;
  readonly tls?: {
    readonly serverNameOverride?: string;
    readonly serverRootCACertificate?: Buffer;
    readonly clientCertPair?: { readonly crt: Buffer; readonly key: Buffer };
  };
  readonly apiKey?: string;
}

export interface StepConfig {
  readonly name: string;
  /** `file:` URL of the module. */
  readonly moduleUrl: string;
}

export interface PluginConfig {
  /** What the policy's rules call it. */
  readonly name: string;
  /** `file:` URL of the module. */
  readonly moduleUrl: string;
}

/** A bucket of the S3 API for staging. */
export interface BucketConfig {
  readonly endpoint?: string;
  readonly region: string;
  readonly bucket: string;
  readonly prefix?: string;
  readonly forcePathStyle: boolean;
  readonly ca?: string;
  /** Left out: whatever the environment, the profile or the machine gives. */
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string };
}

/** A PostgreSQL for the state. */
export interface DatabaseConfig {
  readonly url: string;
  readonly password: string;
  /** Whether it is talked to without TLS: on this machine alone. */
  readonly plain: boolean;
  readonly ca?: string;
  readonly schema: string;
}

export interface Config {
  readonly instance: string;
  readonly servers: { readonly instance: ServerConfig; readonly hub: ServerConfig };
  readonly temporal: TemporalConfig;
  readonly streams: readonly StreamConfig[];
  /** How often sources are compared with targets, and whether what differs is mended; absent: when somebody asks. */
  readonly reconcile?: { readonly everySeconds: number; readonly repair: boolean };
  readonly policy: PolicyDocument;
  /** Methods of the site's own that the policy's rules may name. */
  readonly plugins: readonly PluginConfig[];
  readonly steps: readonly StepConfig[];
  /** Where staging lies, unless there is a bucket for it. */
  readonly stagingFolder: string;
  readonly stagingBucket?: BucketConfig;
  /** The state's file, unless there is a database for it. */
  readonly stateFile: string;
  readonly stateDatabase?: DatabaseConfig;
  readonly keys: { readonly staging: Keyring; readonly pseudonym: Keyring; readonly payload: Keyring };
  readonly limits: Limits;
}

/** The task queue of a site: its workers alone poll it, so that workflow code and keys stay there. */
export const taskQueueOf = (instance: string): string => `sluice/${instance}`;
