/** Credentials of one server: HTTP Basic, or OAuth 2.0 client credentials (RFC 6749, 4.4). */
import got from 'got';

import { ServerProblem } from './server-problem.ts';

export interface Authorizer {
  /** The value of the `Authorization` header. */
  header(): Promise<string>;
  /** Forgets a token, after a 401. False where there is nothing to renew. */
  renew(): boolean;
}

/** A Client's id and secret with every request. Aidbox: 'Basic Auth'. */
export function basicAuth(client: string, secret: string): Authorizer {
  const value = `Basic ${Buffer.from(`${client}:${secret}`).toString('base64')}`;
  return { header: () => Promise.resolve(value), renew: () => false };
}

export interface ClientCredentials {
  readonly tokenUrl: string;
  readonly client: string;
  readonly secret: string;
  readonly ca?: string;
  readonly requestTimeoutSeconds: number;
}

/** A token that is used until shortly before it expires; without `expires_in` until the server says 401. */
export function clientCredentials(options: ClientCredentials): Authorizer {
  let token: { value: string; untilMs: number } | undefined;
  let pending: Promise<string> | undefined;
  const fetchToken = async (): Promise<string> => {
    const answer = await requestToken(options);
    const seconds = answer.expires_in;
    token = {
      value: `Bearer ${answer.access_token}`,
      // Renewed a tenth of its life early, at most a minute.
      untilMs: seconds === undefined ? Infinity : Date.now() + Math.max(seconds * 0.9, seconds - 60) * 1_000,
    };
    return token.value;
  };
  return {
    async header() {
      if (token !== undefined && Date.now() < token.untilMs) return token.value;
      // Requests in flight together ask for one token.
      pending ??= fetchToken().finally(() => (pending = undefined));
      return pending;
    },
    renew() {
      token = undefined;
      return true;
    },
  };
}

async function requestToken(options: ClientCredentials): Promise<{ access_token: string; expires_in?: number }> {
  let status: number;
  let body: string;
  try {
    const response = await got.post(options.tokenUrl, {
      json: { grant_type: 'client_credentials', client_id: options.client, client_secret: options.secret },
      throwHttpErrors: false,
      followRedirect: false,
      retry: { limit: 0 },
      timeout: { request: options.requestTimeoutSeconds * 1_000 },
      https: { rejectUnauthorized: true, ...(options.ca === undefined ? {} : { certificateAuthority: options.ca }) },
    });
    status = response.statusCode;
    body = response.body;
  } catch {
    throw new ServerProblem('unreachable');
  }
  // A refused client is a refused credential, whichever status the token endpoint chose for it (RFC 6749, 5.2).
  if (status >= 400 && status < 500 && status !== 429) throw new ServerProblem('status', 401);
  if (status !== 200) throw new ServerProblem('status', status);
  let parsed: { access_token?: unknown; expires_in?: unknown };
  try {
    parsed = JSON.parse(body) as typeof parsed;
  } catch {
    throw new ServerProblem('answer-malformed');
  }
  if (typeof parsed.access_token !== 'string') throw new ServerProblem('answer-malformed');
  return {
    access_token: parsed.access_token,
    ...(typeof parsed.expires_in === 'number' ? { expires_in: parsed.expires_in } : {}),
  };
}
