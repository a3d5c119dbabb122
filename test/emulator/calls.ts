import type { Emulator, EmulatorOptions } from '../../src/emulator/emulator.ts';
import { startEmulator } from '../../src/emulator/emulator.ts';

/** An answer as tests look at it. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  // Tests pick into answers of many shapes.

  readonly json: any;
}

export type Call = (method: string, path: string, body?: unknown, headers?: Record<string, string>) => Promise<Answer>;

/** A function that calls one emulator, as a client if an Authorization header is given. */
export function caller(emulator: Emulator, authorization?: string): Call {
  return async (method, path, body, headers = {}) => {
    const response = await fetch(emulator.url + path, {
      method,
      headers: {
        'content-type': 'application/json',
        ...(authorization === undefined ? {} : { authorization }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    let json: unknown;
    try {
      json = JSON.parse(text);
    } catch {
      json = undefined;
    }
    return { status: response.status, headers: response.headers, text, json };
  };
}

export const basic = (id: string, secret: string): string =>
  `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`;

/** Runs a test against an emulator of its own, with auth switched off unless the options say otherwise. */
export async function withEmulator(
  options: EmulatorOptions,
  act: (emulator: Emulator, call: Call) => Promise<void>,
): Promise<void> {
  const emulator = await startEmulator({ insecure: true, createdAtUrl: '', ...options });
  try {
    await act(emulator, caller(emulator));
  } finally {
    await emulator.close();
  }
}

/** A transaction Bundle of entries `[method, url, resource?, more?]`. */
export function bundle(type: string, ...entries: [string, string, object?, object?][]): object {
  return {
    resourceType: 'Bundle',
    type,
    entry: entries.map(([method, url, resource, more]) => ({
      request: { method, url, ...more },
      ...(resource === undefined ? {} : { resource }),
    })),
  };
}

export const patient = (id: string, more: object = {}): { resourceType: string; id: string } => ({
  resourceType: 'Patient',
  id,
  ...more,
});

/** `event id@version` of each row of a `$changes` answer. */
export function rowsOf(answer: Answer): string[] {
  const { changes } = answer.json as {
    changes: { event: string; resource: { id: string; meta?: { versionId: string } } }[];
  };
  return changes.map(({ event, resource }) => `${event} ${resource.id}@${resource.meta?.versionId ?? '?'}`);
}
