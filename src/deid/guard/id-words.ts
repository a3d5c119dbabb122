/** The words of a resource's id, which is replaced whatever the policy says, and may stand in texts all the same. */
import { idLengthMin, idMarkOf } from './id-marks.ts';
import type { KeptTokens } from './tokens.ts';
import { identifierWords, joinedLengthMax } from './words.ts';

/**
 * The tokens by which a resource's id is recognised. Only the whole counts, and only where it cannot be a word or a
 * count: from eight characters on, with a digit.
 */
export function idWords(id: string): string[] {
  const whole = id.toLowerCase().replace(/[.-]/g, '');
  if (whole.length < idLengthMin || !/[0-9]/.test(whole)) return [];
  return whole.length > joinedLengthMax ? identifierWords(id) : [whole];
}

/** Whether the id may be recognised among what is kept. No is sure; yes has to be looked at by its words. */
export function mayStandAmong(kept: readonly KeptTokens[], id: string): boolean {
  if (!kept.some(({ mayHoldId }) => mayHoldId)) return false;
  const mark = idMarkOf(id);
  return mark === undefined || kept.some(({ idMarks }) => idMarks.includes(mark));
}
