/** An S3 server for tests: moto, in a process of its own, on a port of its own. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';

import { CreateBucketCommand, DeleteBucketCommand, S3Client } from '@aws-sdk/client-s3';

import type { S3StoreOptions } from '../../src/staging/s3-store.ts';
import { findMoto, type Moto } from './s3-install.ts';

const startSecondsMax = 60;

export const region = 'us-east-1';
export const credentials = { accessKeyId: 'key-of-tests', secretAccessKey: 'secret-of-tests' };

/** A running server. */
export class S3Server {
  readonly endpoint: string;
  /** What tests look into buckets with. */
  readonly client: S3Client;
  readonly #stop: () => Promise<void>;
  #buckets = 0;

  constructor(endpoint: string, stop: () => Promise<void>) {
    this.endpoint = endpoint;
    this.client = new S3Client({ endpoint, region, credentials, forcePathStyle: true });
    this.#stop = stop;
  }

  /** A fresh bucket, and how a store opens it. */
  async bucket(): Promise<S3StoreOptions> {
    const bucket = `bucket-${String((this.#buckets += 1))}`;
    await this.client.send(new CreateBucketCommand({ Bucket: bucket }));
    const where = { endpoint: this.endpoint, region, bucket, credentials, forcePathStyle: true };
    return { ...where, bytesMax: 1_000_000, requestTimeoutSeconds: 10 };
  }

  async removeBucket(bucket: string): Promise<void> {
    await this.client.send(new DeleteBucketCommand({ Bucket: bucket }));
  }

  async stop(): Promise<void> {
    this.client.destroy();
    await this.#stop();
  }
}

/** Starts a server; `undefined` where there can be none, having said why. */
export async function startS3(): Promise<S3Server | undefined> {
  const moto = await findMoto();
  if (typeof moto !== 'string') return start(moto);
  process.stderr.write(`tests of the S3 store are skipped: ${moto}\n`);
  return undefined;
}

// The server ends when its standard input does, however its parent ended.
const program = `
import os, sys, threading
threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
from moto.server import main
main(['-H', '127.0.0.1', '-p', '0'])`;

async function start({ python, packages }: Moto): Promise<S3Server> {
  const env = { ...process.env, PYTHONPATH: packages, PYTHONUNBUFFERED: '1', PYTHONDONTWRITEBYTECODE: '1' };
  const server = spawn(python, ['-c', program], { env, stdio: ['pipe', 'ignore', 'pipe'] });
  const stop = async (): Promise<void> => {
    server.stdin.end();
    if (server.exitCode === null && server.signalCode === null) await once(server, 'close');
  };
  const tooLong = setTimeout(() => server.kill('SIGKILL'), startSecondsMax * 1000);
  const endpoint = await endpointIn(server.stderr);
  clearTimeout(tooLong);
  // It logs each request there, and would wait for a reader.
  server.stderr.resume();
  return new S3Server(endpoint, stop);
}

async function endpointIn(log: Readable): Promise<string> {
  const lines: string[] = [];
  for await (const line of createInterface({ input: log })) {
    lines.push(line);
    const endpoint = /Running on (http:\/\/127\.0\.0\.1:\d+)/.exec(line)?.[1];
    if (endpoint !== undefined) return endpoint;
  }
  throw new Error(`moto did not start:\n${lines.join('\n')}`);
}
