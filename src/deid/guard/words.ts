/**
 * The words of a removed value: by which tokens it would be recognised in what is kept.
 * Each class says which forms of a value tell: a name's parts, an address's neighbours, an identifier's digits.
 */
import type { GuardClass } from '../policy/document.ts';
import { pairToken, singleToken } from './address-words.ts';
import { foldText } from './fold.ts';
import { addAll } from './lists.ts';
import { wordKind } from './lexicon.ts';
import { nameWords } from './name-words.ts';
import { mailboxTokens } from './mailbox.ts';
import { hasLetter, runsOf, unspaced } from './runs.ts';
import { numberDigitsMin, numberTokens } from './numbers.ts';
import { scan } from './scan.ts';
import { shortToken } from './short.ts';
import { emailSpots, urlSpots, urlToken } from './spots.ts';
import { unspacedWords } from './unspaced-words.ts';
import { wholeToken } from './whole-words.ts';

const identifierLengthMin = 4;
const groupLengthMin = 5;
/** What is longer than the scanner joins is recognised by its groups. */
export const joinedLengthMax = 40;
/** Up to so many characters a grouped number may be of five or six digits; in longer ones those are parts. */
const shortNumberMax = 8;

function textRuns(text: string): { words: string[]; kinds: readonly number[]; gaps: readonly number[] } {
  const runs = runsOf(text);
  return {
    words: runs.starts.map((start, at) => text.slice(start, runs.ends[at])),
    kinds: runs.kinds,
    gaps: runs.gaps,
  };
}

/** Tokens of forms in the value that have one wherever they stand: days (t), URLs (u), OIDs (o), short grouped numbers (n). */
function formTokens(value: string, prefixes: string): string[] {
  const tokens: string[] = [];
  scan(foldText(value), 'identifiers', (token) => {
    if (token.charAt(1) === ':' && prefixes.includes(token.charAt(0))) tokens.push(token);
  });
  return tokens;
}

function pairsOf(words: readonly string[]): string[] {
  const pairs: string[] = [];
  for (const [at, word] of words.entries()) {
    const pair = at > 0 ? pairToken(words[at - 1] ?? '', word) : undefined;
    if (pair !== undefined) pairs.push(pair);
  }
  return pairs;
}

const zipForm = /^(?:[0-9]{5}|[0-9]{9})$/;
const stateForm = /^[a-z]{2}$/;

/** Each line, and each part of a line between commas, by itself: 'Boston, MA 02134' is a town and a code. */
function addressWords(value: string): string[] {
  const tokens: string[] = [];
  for (const line of value.split(/[,;\r\n\u3001]+/)) {
    const folded = foldText(line).text;
    const { words, kinds } = textRuns(folded);
    addAll(tokens, unspacedWords(folded));
    const latin = words.filter((_, at) => kinds[at] !== unspaced);
    const last = latin.at(-1) ?? '';
    if (latin.length > 1 && zipForm.test(last)) {
      latin.pop();
      addAll(tokens, postalWords(last));
      const extended = latin.at(-1) ?? '';
      if (last.length === 4 && zipForm.test(extended)) latin.pop();
      if (latin.length > 1 && stateForm.test(latin.at(-1) ?? '')) latin.pop();
    }
    const single = latin.length === 1 ? singleToken(latin[0] ?? '') : undefined;
    if (single !== undefined) tokens.push(single);
    addAll(tokens, pairsOf(latin));
  }
  return tokens;
}

/** Four digits alone are a year far more often than a code. */
function postalWords(value: string): string[] {
  const folded = foldText(value).text.trim();
  const code = textRuns(folded).words.join('');
  if (code.length < 5 || code.length > 9 || !/[0-9]/.test(code)) return [];
  if (/^[0-9]{2,5} [0-9]{2,5}$/.test(folded)) return [`z:${code}`, `z:${folded}`];
  return /^[0-9]{9}$/.test(code) ? [`z:${code}`, `z:${code.slice(0, 5)}`] : [`z:${code}`];
}

/** A phone number without its extension, by its digits and by its end; text without area code has only seven of them. */
function phoneWords(folded: string): string[] {
  const number = /^[^0-9a-z]*(?:(?:tel|phone|fax|sms)[:. ]*)?([^a-z]*)/.exec(folded)?.[1] ?? '';
  const digits = number.replace(/[^0-9]/g, '');
  if (digits.length < numberDigitsMin) return [];
  const tokens = numberTokens(digits).filter((token) => !token.startsWith('p:') || digits.length >= 10);
  if (digits.length < 10) return tokens;
  return [...tokens.filter((token) => !token.startsWith('q:')), digits.slice(-10), `p:${digits.slice(-7)}`];
}

function contactWords(value: string): string[] {
  const folded = foldText(value).text.trim();
  const emails = emailSpots(folded);
  if (emails.length > 0) return emails.flatMap(({ start, end }) => mailboxTokens(folded.slice(start, end)));
  const phone = phoneWords(folded);
  if (phone.length > 0) return phone;
  const urls = urlSpots(folded).map(({ start, end }) => folded.slice(start, end));
  if (urls.length === 0 && !/\s/.test(folded) && /^[^/@]+\.[^/@]/.test(folded)) urls.push(folded);
  const tokens = urls.map(urlToken).filter((token) => token !== undefined);
  // A handle, a pager, a URL without its scheme.
  return [...tokens, ...identifierWords(value)];
}

const uuidForm = /(?:^|:)([0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12})$/;
const oidForm = /(?:^|:)([0-9]+(?:\.[0-9]+){3,})$/;

/** Letters and digits: three of them tell enough to be sought wherever they stand as one. */
const mixedShortForm = /^(?=.*[a-z])(?=.*[0-9]).{3}$/;

/** The tokens of an identifier: whole, its long numbers, and what it holds that has a form of its own. */
export function identifierWords(value: string): string[] {
  const folded = foldText(value).text.trim();
  const uuid = uuidForm.exec(folded)?.[1];
  if (uuid !== undefined) return [uuid.replaceAll('-', '')];
  const emails = emailSpots(folded);
  const tokens = [
    ...emails.flatMap(({ start, end }) => mailboxTokens(folded.slice(start, end))),
    ...formTokens(value, /^[0-9]+$/.test(folded) ? 'uo' : folded.length <= shortNumberMax ? 'tuon' : 'tuo'),
  ];
  const oid = oidForm.exec(folded)?.[1];
  if (oid !== undefined) {
    // Parts of an OID are everybody's; its last number is long where it was made for one thing.
    const last = oid.slice(oid.lastIndexOf('.') + 1);
    const digits = oid.replaceAll('.', '');
    if (digits.length <= joinedLengthMax) addAll(tokens, wholeNumber(digits));
    if (last.length >= 8) addAll(tokens, wholeNumber(last));
    return tokens;
  }
  const { words, kinds } = textRuns(folded);
  addAll(tokens, unspacedWords(folded));
  const latin = words.filter((_, at) => kinds[at] !== unspaced);
  const whole = latin.join('');
  if (whole.length >= identifierLengthMin && (/[a-z]/.test(whole) || whole.length >= numberDigitsMin)) {
    const kind = kinds.every((one) => one === hasLetter) && latin.length === 1 ? wordKind(whole) : undefined;
    if (kind === undefined) tokens.push(whole.slice(0, 64));
  } else if (mixedShortForm.test(whole)) tokens.push(whole);
  const short = shortToken(whole);
  if (short !== undefined) tokens.push(short);
  for (const digits of whole.match(/[0-9]{5,64}/g) ?? []) addAll(tokens, wholeNumber(digits));
  const isLong = whole.length > joinedLengthMax || latin.length > 8;
  for (const word of latin) {
    for (const digits of word.match(/[0-9]{5,64}/g) ?? []) addAll(tokens, wholeNumber(digits));
    if (isLong && word.length >= groupLengthMin && /[0-9]/.test(word)) tokens.push(word.slice(0, 64));
  }
  // Words with spaces between them are joined only when short.
  if (/\s/.test(folded)) addAll(tokens, pairsOf(latin));
  return tokens;
}

/** Digits with and without leading zeros; not by their end, which is for phone numbers. */
const wholeNumber = (digits: string): string[] =>
  numberTokens(digits).filter((token) => !token.startsWith('p:') && !token.startsWith('q:'));

function dateWords(value: string): string[] {
  const tokens: string[] = [];
  scan(foldText(value), 'dates', (token) => tokens.push(token));
  return tokens;
}

/** Anything that may name somebody: all that the scanner finds but everyday words, neighbours and postal codes. */
function freeWords(value: string): string[] {
  const folded = foldText(value);
  const tokens = unspacedWords(folded.text);
  scan(folded, 'all', (token) => {
    const prefix = token.charAt(1) === ':' ? token.charAt(0) : '';
    if (prefix === 'c') {
      if (token.length >= 5 && wordKind(token.slice(2)) === 'proper') tokens.push(token);
    } else if (prefix !== '') {
      if (prefix !== 'z') tokens.push(token);
    } else if (!token.includes(' ') && token.length >= 3 && token.charCodeAt(0) < 0x0e00) {
      if (/[0-9]/.test(token)) {
        if (token.length >= identifierLengthMin) tokens.push(token);
      } else tokens.push(token);
    }
  });
  return tokens;
}

const makers: Readonly<Record<GuardClass, (value: string) => string[]>> = {
  name: nameWords,
  address: addressWords,
  postalCode: postalWords,
  contact: contactWords,
  identifier: identifierWords,
  date: dateWords,
  words: freeWords,
  none: () => [],
};

/** The tokens by which a removed value of this class would be recognised in what is kept, each once. */
export function wordsOf(value: string, guardClass: GuardClass): string[] {
  const tokens = new Set(makers[guardClass](value));
  const whole = isProse.has(guardClass) ? undefined : wholeToken(foldText(value).text);
  if (whole !== undefined) tokens.add(whole);
  return [...tokens];
}

/** Of these a whole value says nothing: an answer may be any word. */
const isProse: ReadonlySet<GuardClass> = new Set(['words', 'none', 'date']);
