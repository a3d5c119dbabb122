/** Credentials of one server: HTTP Basic, or OAuth 2.0 client credentials (RFC 6749, 4.4). */
import { type Answer, createHttp, type Http, parseAnswer, refuse } from './http.ts';
import { ServerProblem } from './server-problem.ts';

export interface Authorizer {
  /** The value of the `Authorization` header. */
  header(): Promise<string>;
  /** Forgets the token that a 401 refused, if it is still in use. False where there is nothing to renew. */
  renew(refused: string): boolean;
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

interface Token {
  readonly value: string;
  readonly untilMs: number;
}

/** More than any token endpoint has to say. */
const tokenAnswerBytesMax = 256 * 2 ** 10;

/** A token that is used until shortly before it expires; without `expires_in` until the server says 401. */
export function clientCredentials(options: ClientCredentials): Authorizer {
  const http = createHttp({ ...options, answerBytesMax: tokenAnswerBytesMax });
  let token: Token | undefined;
  let pending: Promise<Token> | undefined;
  const fetchToken = async (): Promise<Token> => (token = await requestToken(http, options));
  return {
    async header() {
      if (token !== undefined && Date.now() < token.untilMs) return token.value;
      // Requests in flight together ask for one token.
      pending ??= fetchToken().finally(() => (pending = undefined));
      return (await pending).value;
    },
    renew(refused) {
      // Another request that was refused together with this one may have a new token already.
      if (token?.value === refused) token = undefined;
      return true;
    },
  };
}

async function requestToken(http: Http, options: ClientCredentials): Promise<Token> {
  const { tokenUrl, client, secret } = options;
  const answer = await http({
    method: 'POST',
    url: tokenUrl,
    headers: { accept: 'application/json', 'content-type': 'application/json' },
    body: JSON.stringify({ grant_type: 'client_credentials', client_id: client, client_secret: secret }),
  });
  // A refused client is a refused credential, whichever status the token endpoint chose for it (RFC 6749, 5.2).
  if ([400, 401, 403, 404].includes(answer.status)) throw new ServerProblem('status', 401);
  if (answer.status !== 200) refuse(answer);
  return tokenOf(answer);
}

function tokenOf(answer: Answer): Token {
  const body = parseAnswer(answer) as { access_token?: unknown; expires_in?: unknown } | null;
  const text = body?.access_token;
  // RFC 6750, 2.1: what may follow `Bearer`; anything else would not fit into a header.
  if (typeof text !== 'string' || !/^[\w\-.~+/]+=*$/.test(text)) throw new ServerProblem('answer-malformed');
  const seconds = body?.expires_in === undefined ? NaN : Number(body.expires_in);
  return {
    value: `Bearer ${text}`,
    // Renewed a tenth of its life early, at most a minute.
    untilMs: Number.isFinite(seconds) ? Date.now() + Math.max(seconds * 0.9, seconds - 60) * 1_000 : Infinity,
  };
}
