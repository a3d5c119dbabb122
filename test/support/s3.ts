/** An S3 server for tests: moto, in a process of its own, on a port of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
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
  readonly #moto: Moto;
  #process: ChildProcess;
  #buckets = 0;

  private constructor(moto: Moto, { endpoint, server }: Started) {
    this.#moto = moto;
    this.#process = server;
    this.endpoint = endpoint;
    this.client = new S3Client({ endpoint, region, credentials, forcePathStyle: true });
  }

  static async start(moto: Moto): Promise<S3Server> {
    return new S3Server(moto, await startMoto(moto, 0));
  }

  /** A fresh bucket, and how a store opens it. */
  async bucket(): Promise<S3StoreOptions> {
    const bucket = `bucket-${String((this.#buckets += 1))}`;
    await this.makeBucket(bucket);
    const where = { endpoint: this.endpoint, region, bucket, credentials, forcePathStyle: true };
    return { ...where, bytesMax: 1_000_000, requestTimeoutSeconds: 10 };
  }

  async makeBucket(bucket: string): Promise<void> {
    await this.client.send(new CreateBucketCommand({ Bucket: bucket }));
  }

  async removeBucket(bucket: string): Promise<void> {
    await this.client.send(new DeleteBucketCommand({ Bucket: bucket }));
  }

  /** SIGKILL. What it held is gone: it holds all in memory. */
  async crash(): Promise<void> {
    this.#process.kill('SIGKILL');
    await ended(this.#process);
  }

  /** Starts it again, empty, where it was. */
  async restart(): Promise<void> {
    this.#process = (await startMoto(this.#moto, Number(new URL(this.endpoint).port))).server;
  }

  async stop(): Promise<void> {
    this.client.destroy();
    this.#process.stdin?.end();
    await ended(this.#process);
  }
}

/** Starts a server; `undefined` where there can be none, having said why. */
export async function startS3(): Promise<S3Server | undefined> {
  const moto = await findMoto();
  if (typeof moto !== 'string') return S3Server.start(moto);
  process.stderr.write(`tests of the S3 store are skipped: ${moto}\n`);
  return undefined;
}

// The server ends when its standard input does, however its parent ended.
const program = `
import os, sys, threading
threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
from moto.server import main
main(['-H', '127.0.0.1', '-p', sys.argv[1]])`;

interface Started {
  readonly endpoint: string;
  readonly server: ChildProcess;
}

/** @param port - 0: any that is free */
async function startMoto({ python, packages }: Moto, port: number): Promise<Started> {
  const env = { ...process.env, PYTHONPATH: packages, PYTHONUNBUFFERED: '1', PYTHONDONTWRITEBYTECODE: '1' };
  const server = spawn(python, ['-c', program, String(port)], { env, stdio: ['pipe', 'ignore', 'pipe'] });
  const tooLong = setTimeout(() => server.kill('SIGKILL'), startSecondsMax * 1000);
  const endpoint = await endpointIn(server.stderr);
  clearTimeout(tooLong);
  // It logs each request there, and would wait for a reader.
  server.stderr.resume();
  return { endpoint, server };
}

async function ended(server: ChildProcess): Promise<void> {
  if (server.exitCode === null && server.signalCode === null) await once(server, 'close');
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
