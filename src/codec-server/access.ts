/** Who may ask the codec server: origins of the Web UI, bearers of the token, and on which addresses it may listen. */
import { createHash, timingSafeEqual } from 'node:crypto';
import { isIPv4 } from 'node:net';

/** Why the codec server does not start; constant. */
export type CodecServerCode =
  | 'codec-token-missing' // it would listen beyond loopback for anyone
  | 'codec-token-short' // a token that can be guessed
  | 'codec-origin-malformed' // not scheme://host[:port], or a wildcard
  | 'codec-address-unavailable'; // the port is taken, or the host is not this machine's

/** A refused start, with what to do about it. */
export class CodecServerProblem extends Error {
  readonly code: CodecServerCode;
  constructor(code: CodecServerCode, advice: string) {
    super(`${code}: ${advice}`);
    this.name = 'CodecServerProblem';
    this.code = code;
  }
}

const TOKEN_LENGTH_MIN = 16;

/** Throws unless the settings keep the server to those it is for. */
export function requireSafe(host: string, token: string | undefined, allowedOrigins: readonly string[]): void {
  if (token === undefined && !isLoopback(host)) {
    throw new CodecServerProblem(
      'codec-token-missing',
      'to listen beyond loopback, set a bearer token (and put TLS in front)',
    );
  }
  if (token !== undefined && token.length < TOKEN_LENGTH_MIN) {
    throw new CodecServerProblem(
      'codec-token-short',
      `a bearer token has at least ${String(TOKEN_LENGTH_MIN)} characters`,
    );
  }
  for (const origin of allowedOrigins) {
    if (!URL.canParse(origin) || new URL(origin).origin !== origin) {
      throw new CodecServerProblem(
        'codec-origin-malformed',
        'give origins as scheme://host[:port], without a path or *',
      );
    }
  }
}

/** Names other than localhost are not looked up: what they mean may change after the check. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIPv4(host) && host.startsWith('127.'));
}

/** Whether an `Authorization` header carries the token. Hashed first: the comparison's time says nothing of either. */
export function isAuthorized(header: string | undefined, token: string | undefined): boolean {
  if (token === undefined) return true;
  const given = /^Bearer +(\S+)$/i.exec(header ?? '')?.[1] ?? '';
  return timingSafeEqual(sha256(given), sha256(token));
}

function sha256(text: string): Uint8Array {
  return createHash('sha256').update(text, 'utf8').digest();
}
