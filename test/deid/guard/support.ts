import { maskText } from '../../../src/deid/guard/mask.ts';
import { tokensIn } from '../../../src/deid/guard/tokens.ts';
import type { TextKind } from '../../../src/deid/guard/tokens.ts';
import { wordsOf } from '../../../src/deid/guard/words.ts';
import type { GuardClass } from '../../../src/deid/policy/document.ts';

/** Whether a removed value is recognised in a kept one. */
export function isFound(removed: string, guardClass: GuardClass, kept: string, kind: TextKind = 'text'): boolean {
  const words = new Set(wordsOf(removed, guardClass));
  return tokensIn(kept, kind).some((token) => words.has(token));
}

/** The kept value with what is known of a removed one masked. */
export function maskedOf(
  removed: string,
  guardClass: GuardClass,
  kept: string,
  kind: TextKind = 'text',
): string | undefined {
  const words = new Set(wordsOf(removed, guardClass));
  return maskText(kept, kind, (token) => words.has(token));
}
