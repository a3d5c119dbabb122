/**
 * E-mail addresses that were removed: whole, and by who they are of at their host, since `zbig.kow` tells nearly as much,
 * and is written as `zbig.kow (at) example.com` to keep programs from reading it.
 */
import { wordKind } from './lexicon.ts';
import { emailTokens } from './spots.ts';

const lengths = { min: 5, max: 40 };

/** Of a house, not of a person. */
const everybodys = new Set(
  'admin appointments billing contact frontdesk hello helpdesk mailbox office reception support'.split(' '),
);

/** The tokens of a folded e-mail address. */
export function mailboxTokens(email: string): string[] {
  const local = email.slice(0, email.lastIndexOf('@')).replace(/\+.*$/s, '');
  const joined = local.replace(/[^\p{L}\p{M}0-9]/gu, '');
  const isWord = wordKind(joined) !== undefined || everybodys.has(joined);
  const tells = joined.length >= lengths.min && joined.length <= lengths.max && !isWord;
  return tells ? [...emailTokens(email), joined] : emailTokens(email);
}
