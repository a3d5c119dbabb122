/** The S3 client of one bucket: credentials, TLS, time-outs and retries, errors without data, and its end. */
import { S3Client } from '@aws-sdk/client-s3';
import { s3Problem } from './s3-errors.ts';
import type { StagingCode } from './staging.ts';

/** Which bucket, where, and as whom. */
export interface S3BucketOptions {
  /** Of a server other than Amazon's. */
  readonly endpoint?: string;
  readonly region: string;
  readonly bucket: string;
  /** Everything lies below `<prefix>/`. */
  readonly prefix?: string;
  /** `https://host/bucket` instead of `https://bucket.host`. */
  readonly forcePathStyle?: boolean;
  /** PEM of the certificate authorities to trust instead of the system's. */
  readonly ca?: string;
  /** Left out: the SDK's standard chain (environment, profile, container, instance). */
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string };
  readonly requestTimeoutSeconds: number;
}

/** What each call hands to the SDK: it ends with the connection. */
export interface CallOptions {
  readonly abortSignal: AbortSignal;
}

/** Of one call: the first try and two more. */
export const ATTEMPTS_MAX = 3;

const silence = (): void => undefined;
/** The SDK warns on the console unless it is given something else to warn. */
const silent = { trace: silence, debug: silence, info: silence, warn: silence, error: silence };

/** One bucket and how to talk to it. */
export class S3Connection {
  readonly client: S3Client;
  readonly bucket: string;
  readonly timeoutMs: number;
  readonly #below: string;
  readonly #closing = new AbortController();

  constructor(options: S3BucketOptions) {
    this.client = clientOf(options);
    this.bucket = options.bucket;
    this.timeoutMs = options.requestTimeoutSeconds * 1000;
    this.#below = options.prefix === undefined ? '' : `${options.prefix}/`;
  }

  /** Runs one call; its errors come out as `StagingProblem`, 404 for an object as `missing`. */
  async ask<T>(call: (options: CallOptions) => Promise<T>, missing?: StagingCode): Promise<T> {
    try {
      return await call({ abortSignal: this.#closing.signal });
    } catch (error) {
      throw s3Problem(error, missing);
    }
  }

  /** Aborted with `close`. */
  get signal(): AbortSignal {
    return this.#closing.signal;
  }

  /** An object's key in the bucket. */
  keyOf(name: string): string {
    return this.#below + name;
  }

  /** An object's name; `undefined` for a key that is not below the prefix, whatever the server says. */
  nameOf(key: string): string | undefined {
    return key.startsWith(this.#below) ? key.slice(this.#below.length) : undefined;
  }

  close(): void {
    this.#closing.abort();
    this.client.destroy();
  }
}

function clientOf(options: S3BucketOptions): S3Client {
  const timeoutMs = options.requestTimeoutSeconds * 1000;
  return new S3Client({
    region: options.region,
    // Without an endpoint it is Amazon's: a variable of the environment does not send staging elsewhere, perhaps without TLS.
    ...(options.endpoint === undefined ? { ignoreConfiguredEndpointUrls: true } : { endpoint: options.endpoint }),
    ...(options.credentials && { credentials: options.credentials }),
    forcePathStyle: options.forcePathStyle ?? false,
    maxAttempts: ATTEMPTS_MAX,
    retryMode: 'standard',
    // Each upload carries a checksum, which the server compares. Downloads need none: every chunk is authenticated.
    requestChecksumCalculation: 'WHEN_SUPPORTED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    logger: silent,
    requestHandler: {
      connectionTimeout: timeoutMs,
      requestTimeout: timeoutMs,
      socketTimeout: timeoutMs,
      throwOnRequestTimeout: true,
      logger: silent,
      ...(options.ca === undefined ? {} : { httpsAgent: { ca: options.ca } }),
    },
  });
}
