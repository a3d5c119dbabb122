/** Tokens of kept values, by what kind of text they are: how much of a value may be somebody's words. */
import { foldText } from './fold.ts';
import type { Folded } from './fold.ts';
import type { WordHasher } from './hash.ts';
import { RecentMemo } from './memo.ts';
import { scan } from './scan.ts';
import type { ScanDepth, TokenSink } from './scan.ts';
import { foldUri, readNarrative } from './xhtml.ts';

/**
 * `text`: people read it, and anything may stand in it. `xhtml`: a narrative. `uri`: identifiers, numbers, days and e-mail
 * addresses, no plain words. `code`: long identifiers only, since codes are short and of few digits. `date`: the day.
 */
export type TextKind = 'text' | 'xhtml' | 'uri' | 'code' | 'date';

const uriLengthMin = 6;
/** Shorter codes hold no token that counts. */
export const codeLengthMin = 8;
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
  if (token.charCodeAt(1) !== colon) return token.length >= codeLengthMin && hasDigitForm.test(token);
  const prefix = token.charAt(0);
  return (prefix === 'o' || prefix === 'e' || prefix === 'u') && token.length >= codeLengthMin;
}

/** A value ready to be scanned: a narrative has several parts, of which only the first can be masked. */
export interface Part {
  readonly folded: Folded;
  readonly kind: Exclude<TextKind, 'xhtml'>;
  readonly maskable: boolean;
}

export function partsOf(text: string, kind: TextKind): Part[] {
  if (kind === 'text') return [{ folded: foldText(text), kind, maskable: true }];
  if (kind !== 'xhtml') return [{ folded: kind === 'uri' ? foldUri(text) : foldText(text), kind, maskable: false }];
  const narrative = readNarrative(text);
  return [
    { folded: narrative.text, kind: 'text', maskable: true },
    ...narrative.inTags.map((inTag): Part => ({ folded: inTag.folded, kind: inTag.kind, maskable: false })),
  ];
}

const depths: Readonly<Record<Part['kind'], ScanDepth>> = {
  text: 'all',
  uri: 'identifiers',
  code: 'identifiers',
  date: 'dates',
};

/** Tells `sink` the tokens of a part that count for its kind. */
export function scanPart({ folded, kind }: Part, sink: TokenSink): void {
  const counts = kind === 'uri' ? countsInUri : kind === 'code' ? countsInCode : undefined;
  const filtered: TokenSink =
    counts === undefined
      ? sink
      : (token, start, end) => {
          if (counts(token)) sink(token, start, end);
        };
  scan(folded, depths[kind], filtered);
}

/** Shorter than any token that counts: nothing to look for. Most codes end here. */
const isTooShort = (text: string, kind: TextKind): boolean =>
  text.length < (kind === 'code' ? codeLengthMin : kind === 'uri' ? uriLengthMin : kind === 'date' ? 8 : 1);

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
const memos = new WeakMap<WordHasher, Map<TextKind, RecentMemo<readonly number[]>>>();

/** Hashes of the tokens of a text of any length, afresh: for notes and narratives, which seldom come twice. */
export const hashTokens = (text: string, kind: TextKind, hasher: WordHasher): number[] =>
  tokensIn(text, kind).map(hasher);

const none: readonly number[] = [];

/** The same from a bounded memo where the text is short: displays, codes and systems come over and over. */
export function hashedTokens(text: string, kind: TextKind, hasher: WordHasher): readonly number[] {
  if (isTooShort(text, kind)) return none;
  if (text.length > memoLengthMax) return hashTokens(text, kind, hasher);
  let byKind = memos.get(hasher);
  if (byKind === undefined) memos.set(hasher, (byKind = new Map<TextKind, RecentMemo<readonly number[]>>()));
  // A memo for each kind: a key put together of kind and text would have to be hashed anew each time.
  let memo = byKind.get(kind);
  if (memo === undefined) byKind.set(kind, (memo = new RecentMemo(memoEntries)));
  let hashes = memo.get(text);
  if (hashes === undefined) memo.set(text, (hashes = hashTokens(text, kind, hasher)));
  return hashes;
}
