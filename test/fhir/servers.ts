import { expect } from '@jest/globals';
import { once } from 'node:events';
import type { RequestListener } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

import type { Emulator, EmulatorOptions } from '../../src/emulator/emulator.ts';
import { startEmulator } from '../../src/emulator/emulator.ts';
import { createAidbox } from '../../src/fhir/aidbox.ts';
import { basicAuth } from '../../src/fhir/auth.ts';
import type { ChangeSource, CommitTarget } from '../../src/fhir/server.ts';
import { ServerProblem } from '../../src/fhir/server-problem.ts';
import { createTransport, type Transport, type TransportOptions } from '../../src/fhir/transport.ts';

export type Aidbox = ChangeSource & CommitTarget;

/** Text that stands in addresses, bodies and answers of these tests, and may stand in no error. */
export const phi = 'Zebulon-4711';

export const transportTo = (url: string, more: Partial<TransportOptions> = {}): Transport =>
  createTransport({
    url,
    authorizer: basicAuth('c', `secret-${phi}`),
    requestTimeoutSeconds: 5,
    answerBytesMax: 2 ** 20,
    ...more,
  });

/** A double with Client `c`, and Aidbox as the program sees it. */
export async function withAidbox(
  options: EmulatorOptions,
  act: (aidbox: Aidbox, emulator: Emulator) => Promise<void>,
  more: Partial<TransportOptions> | ((emulator: Emulator) => Partial<TransportOptions>) = {},
): Promise<void> {
  const emulator = await startEmulator({ createdAtUrl: '', record: 'bodies', ...options });
  emulator.addClient('c', `secret-${phi}`);
  try {
    const set = typeof more === 'function' ? more(emulator) : more;
    await act(createAidbox(transportTo(emulator.url, set)), emulator);
  } finally {
    await emulator.close();
  }
}

/** A server of a few lines, for answers that the double never gives. */
export async function withServer(listener: RequestListener, act: (url: string) => Promise<void>): Promise<void> {
  const server = createServer(listener);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    await act(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  } finally {
    server.close();
    server.closeAllConnections();
  }
}

/** The problem that some work ends in; nothing of the request or the answer is in it. */
export async function problemOf(
  work: Promise<unknown>,
): Promise<Pick<ServerProblem, 'failure' | 'status' | 'retryAfterSeconds'>> {
  const error: unknown = await work.then(
    () => new Error('it worked'),
    (reason: unknown) => reason,
  );
  if (!(error instanceof ServerProblem)) throw error;
  expect(error.message).toMatch(
    /^server-(unreachable|untrusted|answer-malformed|answer-too-large|given-back|no-turn|status-\d{3})$/,
  );
  expect(error.cause).toBeUndefined();
  // The stack names files of this program, and nothing else; the first line is the message.
  const told = [error.message, error.stack, JSON.stringify(error), Object.values(error).join(' ')].join('\n');
  expect(told).not.toMatch(/http:|https:|127\.0\.0\.1|\$changes|Patient|Basic |Bearer |Authorization/);
  expect(told).not.toContain(phi);
  const { failure, status, retryAfterSeconds } = error;
  return { failure, status, retryAfterSeconds };
}
