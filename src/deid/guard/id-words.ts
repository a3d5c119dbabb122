/** The words of a resource's id, which is replaced whatever the policy says, and may stand in texts all the same. */
import { identifierWords, joinedLengthMax } from './words.ts';

const idLengthMin = 8;

/**
 * The tokens by which a resource's id is recognised. Only the whole counts, and only where it cannot be a word or a
 * count: from eight characters on, with a digit.
 */
export function idWords(id: string): string[] {
  const whole = id.toLowerCase().replace(/[.-]/g, '');
  if (whole.length < idLengthMin || !/[0-9]/.test(whole)) return [];
  return whole.length > joinedLengthMax ? identifierWords(id) : [whole];
}
