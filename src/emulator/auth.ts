import { randomBytes } from 'node:crypto';
import type { Json, JsonObject } from '../fhir/resource.ts';
import { isObject, listAt, stringAt } from './json.ts';
import type { ResolvedOptions } from './options.ts';
import { Refusal } from './refusal.ts';
import type { Store } from './store.ts';

/** The answer of the token endpoint. */
export interface TokenAnswer {
  readonly status: number;
  readonly body: JsonObject;
}

/**
 * Clients by Basic secret or by token.
 * Source: Aidbox docs, pages "Basic HTTP authentication" and "Client credentials grant".
 */
export class Authentication {
  readonly #store: Store;
  readonly #options: ResolvedOptions;
  readonly #tokens = new Map<string, { clientId: string; endsAtMs: number }>();

  constructor(store: Store, options: ResolvedOptions) {
    this.#store = store;
    this.#options = options;
  }

  /** The id of the client that sends a request; throws 401. */
  clientOf(authorization: string | undefined): string {
    const [scheme = '', credentials = ''] = (authorization ?? '').split(' ');
    const clientId =
      scheme.toLowerCase() === 'basic'
        ? this.#byBasic(credentials)
        : scheme.toLowerCase() === 'bearer'
          ? this.#byToken(credentials)
          : undefined;
    if (clientId === undefined) throw new Refusal(401, { code: 'login', diagnostics: 'Unauthorized' });
    return clientId;
  }

  /** Answers `POST /auth/token` for grant type client_credentials, with a JSON or a form body or Basic credentials. */
  token(contentType: string, text: string, authorization: string | undefined): TokenAnswer {
    const params = tokenParams(contentType, text);
    const basic = /^basic (.+)$/i.exec(authorization ?? '')?.[1];
    const [basicId, basicSecret] = basic === undefined ? [] : splitBasic(basic);
    const clientId = params.client_id ?? basicId ?? '';
    if (params.grant_type !== 'client_credentials') return refused(400, 'unsupported_grant_type');
    if (!this.#accepts(clientId, params.client_secret ?? basicSecret ?? '', 'client_credentials')) {
      return refused(401, 'invalid_client');
    }
    const token = randomBytes(24).toString('base64url');
    const life = this.#options.tokenLifeSeconds;
    this.#tokens.set(token, { clientId, endsAtMs: this.#options.nowMs() + life * 1000 });
    const expiry: JsonObject = this.#options.tokenSaysExpiry ? { expires_in: life } : {};
    return { status: 200, body: { token_type: 'Bearer', access_token: token, need_patient_banner: true, ...expiry } };
  }

  /** Ends every token, as a restart or a deleted Session would. */
  revokeTokens(): void {
    this.#tokens.clear();
  }

  #byBasic(credentials: string): string | undefined {
    const [id, secret] = splitBasic(credentials);
    return this.#accepts(id, secret, 'basic') ? id : undefined;
  }

  #byToken(token: string): string | undefined {
    const found = this.#tokens.get(token);
    if (found === undefined || found.endsAtMs <= this.#options.nowMs()) return undefined;
    return this.#client(found.clientId) === undefined ? undefined : found.clientId;
  }

  #accepts(id: string, secret: string, grant: string): boolean {
    const client = this.#client(id);
    if (client === undefined || secret === '' || client.secret !== secret) return false;
    const grants = listAt(client, 'grant_types');
    // Aidbox wants the grant to be named; a Client that names none is taken as open to both, which keeps fixtures short.
    return client.active !== false && (grants.length === 0 || grants.includes(grant));
  }

  #client(id: string): JsonObject | undefined {
    const stored = this.#store.read('Client', id);
    return stored === undefined || stored.deleted ? undefined : (JSON.parse(stored.json) as JsonObject);
  }
}

const refused = (status: number, error: string): TokenAnswer => ({ status, body: { error } });

function splitBasic(credentials: string): [string, string] {
  const text = Buffer.from(credentials, 'base64').toString('utf8');
  const at = text.indexOf(':');
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}

function tokenParams(contentType: string, text: string): Record<string, string | undefined> {
  if (contentType.includes('form')) return Object.fromEntries(new URLSearchParams(text));
  let body: Json;
  try {
    body = JSON.parse(text) as Json;
  } catch {
    return {};
  }
  if (!isObject(body)) return {};
  return Object.fromEntries(Object.keys(body).map((key) => [key, stringAt(body, key)]));
}
