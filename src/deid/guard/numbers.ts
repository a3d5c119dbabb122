/**
 * Numbers as they are compared: whole, and as phone numbers by their end.
 *
 * `p:` is a phone number by its last ten digits, or by all that a number without area code has; `q:` the last seven of any.
 * A removed number with area is sought as `p:` of ten and of seven digits, one without as `q:`: so `555-0100` meets
 * `(617) 555-0100` either way round, while `6175550100` and `5085550100` do not meet. Written in groups these two do: the
 * last groups of a number may be the number without its area.
 */

export const numberDigitsMin = 5;
/** Groups with fewer digits together are joined only across dashes, and no group of one digit. */
export const groupedDigitsMin = 7;
const phoneDigits = { min: 7, national: 10, max: 15 };

/** The whole number without leading zeros, where what is left is long enough to tell; and as a phone number. */
export function numberTokens(digits: string): string[] {
  if (digits.length < numberDigitsMin) return [];
  const tokens = [digits];
  const bare = digits.replace(/^0+/, '');
  if (bare !== digits && bare.length >= numberDigitsMin) tokens.push(bare);
  if (digits.length >= phoneDigits.min && digits.length <= phoneDigits.max) {
    // A number with its area is compared by ten digits, one without by seven: `q:` never meets another area's `p:`.
    const local = digits.slice(-phoneDigits.min);
    if (digits.length >= phoneDigits.national) tokens.push(`p:${digits.slice(-phoneDigits.national)}`);
    else tokens.push(`p:${local}`);
    tokens.push(`q:${local}`);
  }
  return tokens;
}

const dashed = /^[0-9]{2,6}(?:-[0-9]{2,6}){1,2}$/;

export const isDashed = (text: string, start: number, end: number): boolean =>
  end - start <= 12 && dashed.test(text.slice(start, end));

/** The token of five or six digits in groups, `n:` and how they are written: what a removed `123/45` itself is told by. */
export const writtenNumber = (digits: string, written: string): string | undefined =>
  digits.length >= numberDigitsMin && digits.length < groupedDigitsMin && digits.length < written.length
    ? `n:${written}`
    : undefined;
