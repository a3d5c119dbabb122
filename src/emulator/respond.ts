import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { Counters } from './counters.ts';
import type { ServerAnswer } from './handler.ts';

/** Pieces of an answer are gathered to about this size, one write each. */
const writeChars = 1024 * 1024;

/** Writes an answer to its socket. */
export async function send(counters: Counters, response: ServerResponse, answer: ServerAnswer): Promise<void> {
  counters.countAnswer(answer.status);
  if (Array.isArray(answer.body)) {
    const chunks = gathered(answer.body as readonly string[]);
    const length = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
    counters.bytesOut += length;
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
    if (!response.write(pending)) await drained(response);
    if (response.destroyed) return;
    pending = '';
  }
  response.end(pending);
}

/** An answer's headers, with the length of its body where it has one. */
export function withLength(answer: ServerAnswer, length: number): Record<string, string> {
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

/** Waits for room, or for the end of the connection; no listener is left behind. */
async function drained(response: ServerResponse): Promise<void> {
  const done = new AbortController();
  const either = ['drain', 'close'].map((event) => once(response, event, { signal: done.signal }));
  try {
    await Promise.race(either);
  } finally {
    done.abort();
    await Promise.allSettled(either);
  }
}
