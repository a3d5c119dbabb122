/** Tokens of kept values, by what kind of text they are: how much of a value may be somebody's words. */
import { foldText } from './fold.ts';
import type { Folded } from './fold.ts';
import type { WordHasher } from './hash.ts';
import { idMarksOf } from './id-marks.ts';
import { RecentMemo } from './memo.ts';
import { scan } from './scan.ts';
import type { ScanDepth, TokenSink } from './scan.ts';
import { shortWhole } from './short.ts';
import { queryTokens, wholeToken } from './whole-words.ts';
import { bitOf } from './word-filter.ts';
import type { SoughtHashes } from './word-filter.ts';
import { foldUri, readNarrative } from './xhtml.ts';

/**
 * `text`: people read it, and anything may stand in it. `xhtml`: a narrative. `uri`: identifiers, numbers, days and e-mail
 * addresses, and of plain words only what is a whole value in the query. `code`: long identifiers, since codes are short and
 * of few digits, and a whole name; with a space within it is text that somebody typed. `date`: the day.
 */
export type TextKind = 'text' | 'xhtml' | 'uri' | 'code' | 'date';

const uriLengthMin = 6;
/** Shorter codes hold no token that counts: this is the length of the shortest name that is one. */
export const codeLengthMin = 5;
const codeIdentifierMin = 8;
/** Five digits and two decimals: one less than an identifier among codes has. */
const shortNumberMax = 100_000;
const colon = ':'.charCodeAt(0);
const hasDigitForm = /[0-9]/;

/** CPT, LOINC, SNOMED CT and ZIP codes are shorter than what counts here, or no identifier of anybody. */
function countsInUri(token: string): boolean {
  if (token.charCodeAt(1) !== colon) return token.length >= uriLengthMin && hasDigitForm.test(token);
  const prefix = token.charAt(0);
  // Of phone numbers those with their area: seven digits stand in many a URI.
  return prefix === 'p' ? token.length >= 12 : prefix !== 'q' && token.length >= uriLengthMin;
}

function countsInCode(token: string): boolean {
  if (token.charCodeAt(1) !== colon) return token.length >= codeIdentifierMin && hasDigitForm.test(token);
  const prefix = token.charAt(0);
  return (prefix === 'o' || prefix === 'e' || prefix === 'u') && token.length >= codeIdentifierMin;
}

/** A value ready to be scanned: a narrative has several parts, of which only the first can be masked. */
export interface Part {
  readonly folded: Folded;
  readonly kind: Exclude<TextKind, 'xhtml'>;
  readonly maskable: boolean;
  /** The whole of a value: what it is as a whole may tell as well. */
  readonly isWhole: boolean;
}

const innerSpace = /\S\s+\S/;

export function partsOf(text: string, kind: TextKind): Part[] {
  if (kind === 'text') return [{ folded: foldText(text), kind, maskable: true, isWhole: true }];
  if (kind !== 'xhtml') {
    const folded = kind === 'uri' ? foldUri(text) : foldText(text);
    const isTyped = kind === 'code' && innerSpace.test(text);
    return [{ folded, kind: isTyped ? 'text' : kind, maskable: false, isWhole: true }];
  }
  const narrative = readNarrative(text);
  return [
    { folded: narrative.text, kind: 'text', maskable: true, isWhole: false },
    ...narrative.inTags.map((inTag): Part => ({
      folded: inTag.folded,
      kind: inTag.kind,
      maskable: false,
      isWhole: false,
    })),
  ];
}

const depths: Readonly<Record<Part['kind'], ScanDepth>> = {
  text: 'all',
  uri: 'identifiers',
  code: 'identifiers',
  date: 'dates',
};

/** Tells `sink` the tokens of a part that count for its kind. */
export function scanPart({ folded, kind, isWhole }: Part, sink: TokenSink): void {
  const counts = kind === 'uri' ? countsInUri : kind === 'code' ? countsInCode : undefined;
  const filtered: TokenSink =
    counts === undefined
      ? sink
      : (token, start, end) => {
          if (counts(token)) sink(token, start, end);
        };
  scan(folded, depths[kind], filtered);
  if (isWhole) for (const token of wholes(folded.text, kind)) sink(token, 0, folded.text.length);
}

/** Tokens of a value as a whole. */
function wholes(text: string, kind: Part['kind']): readonly string[] {
  if (kind === 'uri') return text.includes('?') ? queryTokens(text) : none;
  const token = kind === 'text' ? shortWhole(text) : kind === 'code' ? wholeToken(text) : undefined;
  return token === undefined ? none : [token];
}

/** Shorter than any token that counts: nothing to look for. Most codes end here. */
const isTooShort = (text: string, kind: TextKind): boolean =>
  text.length < (kind === 'code' ? codeLengthMin : kind === 'uri' ? uriLengthMin : kind === 'date' ? 8 : 1);

/**
 * Whether a number is written in fewer digits than any token of a number: below 100,000 with two decimals at most. Nearly
 * all measurements and amounts are, and making text of a number is slow.
 */
export const isShortNumber = (value: number): boolean =>
  value > -shortNumberMax && value < shortNumberMax && Math.round(value * 100) / 100 === value;

/** The tokens of a kept value, each once. */
export function tokensIn(text: string, kind: TextKind): string[] {
  if (isTooShort(text, kind)) return [];
  const tokens = new Set<string>();
  for (const part of partsOf(text, kind)) scanPart(part, (token) => tokens.add(token));
  return [...tokens];
}

/** Longer texts are not remembered: each stands once. */
export const memoLengthMax = 256;
const memoEntries = 20_000;

/** By hasher: hashes are one key's. */
const memos = new WeakMap<WordHasher, Map<TextKind, RecentMemo<KeptTokens>>>();

/** The tokens of a kept value. */
export interface KeptTokens extends SoughtHashes {
  /** Marks of those that could be the whole of a resource's id. */
  readonly idMarks: readonly number[];
  /** Whether one is so long that it could be a resource's id: a UUID, or anything else of 16 characters. */
  readonly mayHoldId: boolean;
}

const idLengthMin = 16;
const isLikeId = (token: string): boolean =>
  token.length >= idLengthMin && token.charCodeAt(1) !== colon && hasDigitForm.test(token) && !token.includes(' ');

/** The tokens of a text of any length, afresh: for notes and narratives, which seldom come twice. */
export function hashTokens(text: string, kind: TextKind, hasher: WordHasher): KeptTokens {
  const tokens = tokensIn(text, kind);
  if (tokens.length === 0) return noTokens;
  const hashes = tokens.map(hasher);
  return { hashes, bits: hashes.map(bitOf), idMarks: idMarksOf(tokens), mayHoldId: tokens.some(isLikeId) };
}

const none: readonly never[] = [];

/** Those of a value that has none; the same object each time. */
export const noTokens: KeptTokens = { hashes: none, bits: none, idMarks: none, mayHoldId: false };

/** The same from a bounded memo where the text is short: displays, codes and systems come over and over. */
export function hashedTokens(text: string, kind: TextKind, hasher: WordHasher): KeptTokens {
  if (isTooShort(text, kind)) return noTokens;
  if (text.length > memoLengthMax) return hashTokens(text, kind, hasher);
  let byKind = memos.get(hasher);
  if (byKind === undefined) memos.set(hasher, (byKind = new Map<TextKind, RecentMemo<KeptTokens>>()));
  // A memo for each kind: a key put together of kind and text would have to be hashed anew each time.
  let memo = byKind.get(kind);
  if (memo === undefined) byKind.set(kind, (memo = new RecentMemo(memoEntries)));
  let tokens = memo.get(text);
  if (tokens === undefined) memo.set(text, (tokens = hashTokens(text, kind, hasher)));
  return tokens;
}
