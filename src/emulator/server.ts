import { once } from 'node:events';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { RecordedRequest } from './counters.ts';
import { withoutCredentials } from './counters.ts';
import type { Faults } from './faults.ts';
import type { Parts, ServerAnswer } from './handler.ts';
import { handle, refusalAnswer } from './handler.ts';
import { misbehave } from './misbehave.ts';
import { Refusal } from './refusal.ts';
import { send } from './respond.ts';
import type { Target } from './target.ts';
import { parseTarget } from './target.ts';

/** The socket's side of the emulator. */
export interface Listener {
  readonly port: number;
  close(): Promise<void>;
}

/** Larger than the longest URL, so that a long one reaches the check that answers 414. */
const maxHeaderBytes = 128 * 1024;

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
    await send(parts.counters, response, refusalAnswer(error));
    return;
  }
  parts.counters.bytesIn += text.length;
  record(parts, requests, message, text);
  const run = (): Promise<ServerAnswer> => handle(parts, { target, headers: message.headers, text });
  const fault = faults.take(method, path, text);
  if (fault === undefined) await send(parts.counters, response, await run());
  else await misbehave(parts.counters, fault, run, response);
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

/** Reads all of the body, also of one that is refused: a client that still writes would see a broken pipe, not the 413. */
async function readBody(message: IncomingMessage, limitBytes: number): Promise<string> {
  let chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of message as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > limitBytes) chunks = [];
    else chunks.push(chunk);
  }
  if (bytes > limitBytes) throw new Refusal(413, { code: 'too-long', diagnostics: 'Request entity too large' });
  return Buffer.concat(chunks).toString('utf8');
}
