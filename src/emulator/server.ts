import { once } from 'node:events';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { serializationFailure } from './commit.ts';
import type { RecordedRequest } from './counters.ts';
import { withoutCredentials } from './counters.ts';
import type { FaultAction, Faults } from './faults.ts';
import type { Parts, ServerAnswer } from './handler.ts';
import { handle, refusalAnswer } from './handler.ts';
import { Refusal } from './refusal.ts';
import type { Target } from './target.ts';
import { parseTarget } from './target.ts';

/** The socket's side of the emulator. */
export interface Listener {
  readonly port: number;
  close(): Promise<void>;
}

/** Larger than the longest URL, so that a long one reaches the check that answers 414. */
const maxHeaderBytes = 128 * 1024;
/** Pieces of an answer are gathered to about this size, one write each. */
const writeChars = 1024 * 1024;

/** Starts listening on 127.0.0.1. */
export async function listen(parts: Parts, faults: Faults, requests: RecordedRequest[]): Promise<Listener> {
  const server: Server = createServer(
    { maxHeaderSize: maxHeaderBytes, keepAliveTimeout: 60_000 },
    (message, response) => {
      serve(parts, faults, requests, message, response).catch(() => {
        // The socket is gone, or the emulator has a fault of its own: either way there is nobody to tell but the client.
        if (!response.headersSent) response.writeHead(500);
        response.end();
      });
    },
  );
  server.listen(parts.options.port, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

async function serve(
  parts: Parts,
  faults: Faults,
  requests: RecordedRequest[],
  message: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const method = message.method ?? 'GET';
  const path = message.url ?? '/';
  let target: Target;
  let text: string;
  try {
    if (path.length > parts.options.urlLimitChars)
      throw new Refusal(414, { code: 'too-long', diagnostics: 'URI too long' });
    target = parseTarget(method, path);
    parts.counters.countRequest(`${method} ${target.template}`);
    text = await readBody(message, parts.options.bodyLimitBytes);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    message.resume();
    await send(parts, response, {
      ...refusalAnswer(error),
      headers: { 'content-type': 'application/json', connection: 'close' },
    });
    return;
  }
  parts.counters.bytesIn += text.length;
  record(parts, requests, message, text);
  const run = (): Promise<ServerAnswer> => handle(parts, { target, headers: message.headers, text });
  const fault = faults.take(method, path, text);
  if (fault === undefined) await send(parts, response, await run());
  else await misbehave(parts, fault, run, response);
}

function record(parts: Parts, requests: RecordedRequest[], message: IncomingMessage, text: string): void {
  if (parts.options.record === 'nothing') return;
  requests.push({
    method: message.method ?? 'GET',
    path: message.url ?? '/',
    headers: withoutCredentials(message.headers),
    ...(parts.options.record === 'bodies' ? { body: text } : {}),
  });
}

async function readBody(message: IncomingMessage, limitBytes: number): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = Number(message.headers['content-length'] ?? 0);
  if (bytes > limitBytes) throw tooLarge();
  bytes = 0;
  for await (const chunk of message as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > limitBytes) throw tooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

const tooLarge = (): Refusal => new Refusal(413, { code: 'too-long', diagnostics: 'Request entity too large' });

async function send(parts: Parts, response: ServerResponse, answer: ServerAnswer): Promise<void> {
  parts.counters.countAnswer(answer.status);
  if (Array.isArray(answer.body)) {
    const chunks = gathered(answer.body as readonly string[]);
    const length = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
    parts.counters.bytesOut += length;
    response.writeHead(answer.status, withLength(answer, length));
    for (const chunk of chunks) response.write(chunk);
    response.end();
    return;
  }
  response.writeHead(answer.status, answer.headers);
  let pending = '';
  for (const piece of answer.body) {
    pending += piece;
    if (pending.length < writeChars) continue;
    if (!response.write(pending)) await Promise.race([once(response, 'drain'), once(response, 'close')]);
    if (response.destroyed) return;
    pending = '';
  }
  response.end(pending);
}

function withLength(answer: ServerAnswer, length: number): Record<string, string> {
  // 204 and 304 have no body and say nothing of its length or type.
  if (answer.status === 204 || answer.status === 304) {
    const { 'content-type': _type, ...rest } = answer.headers;
    return rest;
  }
  return { ...answer.headers, 'content-length': String(length) };
}

function gathered(pieces: readonly string[]): Buffer[] {
  const chunks: Buffer[] = [];
  let pending = '';
  for (const piece of pieces) {
    pending += piece;
    if (pending.length >= writeChars) {
      chunks.push(Buffer.from(pending));
      pending = '';
    }
  }
  if (pending !== '') chunks.push(Buffer.from(pending));
  return chunks;
}

/** Does what a fault says in place of, before or after what was asked. */
async function misbehave(
  parts: Parts,
  fault: FaultAction,
  run: () => Promise<ServerAnswer>,
  response: ServerResponse,
): Promise<void> {
  switch (fault.kind) {
    case 'answer': {
      if (fault.applied === true) await run();
      const body = typeof fault.body === 'object' ? JSON.stringify(fault.body) : (fault.body ?? '');
      await send(parts, response, {
        status: fault.status,
        headers: { 'content-type': 'application/json', ...fault.headers },
        body: [body],
      });
      return;
    }
    case 'conflict':
      await send(parts, response, refusalAnswer(serializationFailure()));
      return;
    case 'malformed':
      await send(parts, response, {
        status: 200,
        headers: { 'content-type': 'application/json' },
        body: ['{"resourceType":'],
      });
      return;
    case 'delay':
      await sleep(fault.delayMs);
      await send(parts, response, await run());
      return;
    case 'hang':
      if (fault.applied === true) await run();
      return;
    case 'refuse':
      response.destroy();
      return;
    case 'drop':
      await run();
      response.destroy();
      return;
    case 'truncate':
    case 'cut': {
      const answer = await run();
      const whole = Buffer.from([...answer.body].join(''));
      const half = whole.subarray(0, Math.floor(whole.length / 2));
      parts.counters.countAnswer(answer.status);
      response.writeHead(answer.status, withLength(answer, fault.kind === 'cut' ? whole.length : half.length));
      if (fault.kind === 'truncate') response.end(half);
      else response.write(half, () => response.destroy());
    }
  }
}
