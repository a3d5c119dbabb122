/** What a conversion says of itself. */

/** `weaker` is said where it cannot be helped, so that nobody takes silence for a promise. */
export type Change = 'same' | 'stricter' | 'different' | 'weaker';

export interface ConversionNote {
  /** Number of the rule in `fhirPathRules`, from 0; undefined for what holds of the whole policy. */
  readonly rule: number | undefined;
  readonly path: string;
  readonly change: Change;
  /** In words. */
  readonly what: string;
}

/** A note before it is known which rule it is of. */
export type Remark = readonly [change: Change, what: string];

export interface Unconvertible {
  readonly rule: number;
  readonly path: string;
  readonly why: string;
  /** What the policy does instead, so that nothing passes that did not. */
  readonly instead: string;
}
