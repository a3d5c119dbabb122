/**
 * The codec server: shows operators in Temporal's Web UI and CLI what the payload codec encrypted. (Temporal docs:
 * 'Codec Server'; `temporal --codec-endpoint`, `temporal server start-dev --ui-codec-endpoint`.)
 *
 * It decodes only. It holds the payload key and no other. It logs nothing, and an error's body is a constant word.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { PayloadCodec } from '@temporalio/common';
import type { Keyring } from '../crypto/keyring.ts';
import { payloadCodec } from '../crypto/payload-codec.ts';
import { CodecServerProblem, isAuthorized, requireSafe } from './access.ts';
import { decodeBody } from './wire.ts';

/** Settings of the codec server. */
export interface CodecServerOptions {
  /** The `payload` keyring. */
  readonly keyring: Keyring;
  /** 127.0.0.1 unless told. Anything beyond loopback needs `token`. */
  readonly host?: string;
  /** 0 takes a free port. */
  readonly port: number;
  /** The Web UI's origins, as a browser sends them: `http://localhost:8233`. */
  readonly allowedOrigins: readonly string[];
  /** Bearer token that each request must carry, where given. */
  readonly token?: string;
}

/** A running codec server. */
export interface CodecServer {
  /** What `--codec-endpoint` takes. */
  readonly url: string;
  close(): Promise<void>;
}

/** Temporal refuses payloads over 2 MB; the UI sends an event's payloads at once, in base64. */
const BODY_BYTES_MAX = 16 * 1024 * 1024;
const CONNECTIONS_MAX = 64;
const REQUEST_TIMEOUT_MS = 10_000;

type Answer = readonly [status: number, body: string, headers?: Readonly<Record<string, string>>];

/** Starts the server. Throws `CodecServerProblem` where its settings would open it to others. */
export async function startCodecServer(options: CodecServerOptions): Promise<CodecServer> {
  const { host = '127.0.0.1', port, allowedOrigins, token } = options;
  requireSafe(host, token, allowedOrigins);
  const codec = payloadCodec(options.keyring);
  const server = createServer({ requestTimeout: REQUEST_TIMEOUT_MS }, (request, response) => {
    void respond(request, response, codec, new Set(allowedOrigins), token);
  });
  server.maxConnections = CONNECTIONS_MAX;
  await listen(server, host, port);
  const address = server.address();
  const boundPort = typeof address === 'object' && address !== null ? address.port : port;
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${String(boundPort)}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}

async function listen(server: Server, host: string, port: number): Promise<void> {
  try {
    // The listener stays: an error after the start (no file descriptor for a connection) must not end the process.
    // Inside the promise, so that a port out of range, which is thrown at once, is refused like one that is taken.
    await new Promise<void>((resolve, reject) => {
      server.on('error', reject);
      server.listen(port, host, resolve);
    });
  } catch {
    throw new CodecServerProblem('codec-address-unavailable', 'choose another host or port');
  }
}

async function respond(
  request: IncomingMessage,
  response: ServerResponse,
  codec: PayloadCodec,
  origins: ReadonlySet<string>,
  token: string | undefined,
): Promise<void> {
  const { origin } = request.headers;
  response.setHeader('Vary', 'Origin');
  response.setHeader('Cache-Control', 'no-store');
  response.setHeader('X-Content-Type-Options', 'nosniff');
  if (origin !== undefined && origins.has(origin)) response.setHeader('Access-Control-Allow-Origin', origin);
  const [status, body, headers = {}] = await answer(request, codec, origins, token).catch((): Answer =>
    failed(500, 'failed'),
  );
  response.writeHead(status, { 'Content-Type': 'application/json', ...headers });
  response.end(body);
}

async function answer(
  request: IncomingMessage,
  codec: PayloadCodec,
  origins: ReadonlySet<string>,
  token: string | undefined,
): Promise<Answer> {
  const { origin, authorization } = request.headers;
  // A page of another origin is refused outright. That also covers a name rebound to loopback: its origin is not listed.
  if (origin !== undefined && !origins.has(origin)) return failed(403, 'origin-not-allowed');
  // The UI's base path may be anything; the namespace is in a header that this server has no use for.
  if (request.url?.split('?')[0] !== '/decode') return failed(404, 'not-found');
  if (request.method === 'OPTIONS') return PREFLIGHT;
  if (request.method !== 'POST') return failed(405, 'method-not-allowed', { Allow: 'POST, OPTIONS' });
  if (!isAuthorized(authorization, token)) return failed(401, 'unauthorized', { 'WWW-Authenticate': 'Bearer' });
  const body = await bodyOf(request);
  if (body === undefined) return failed(413, 'too-large', { Connection: 'close' });
  try {
    const decoded = await decodeBody(body, codec);
    return decoded === undefined ? failed(400, 'malformed') : [200, decoded];
  } catch {
    // A key version that this server lacks, or altered data: Temporal's tools then show the payload as it is.
    return failed(400, 'undecodable');
  }
}

const PREFLIGHT: Answer = [
  204,
  '',
  {
    'Access-Control-Allow-Methods': 'POST, OPTIONS',
    'Access-Control-Allow-Headers': 'content-type, x-namespace, authorization',
    'Access-Control-Max-Age': '600',
  },
];

function failed(status: number, error: string, headers: Readonly<Record<string, string>> = {}): Answer {
  return [status, JSON.stringify({ error }), headers];
}

async function bodyOf(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  if (Number(request.headers['content-length'] ?? 0) > BODY_BYTES_MAX) return undefined;
  // Leaving the loop must not destroy the connection: the refusal still has to go out on it.
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>) {
    bytes += chunk.length;
    if (bytes > BODY_BYTES_MAX) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, bytes).toString('utf8');
}
