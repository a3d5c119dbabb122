/** Why the hub says no, for people. Pure. */
import { type TroubleCode, troubles } from './trouble.ts';

export const denials = {
  'not-registered': {
    means: 'The hub has no AidboxInstance of this name.',
    cure: 'Have it registered there (docs/aidbox).',
  },
  disabled: {
    means: 'The hub’s AidboxInstance is not enabled.',
    cure: 'Have it enabled there.',
  },
  'stream-not-allowed': {
    means: 'The hub does not allow this stream.',
    cure: 'Add the type to up or down of the hub’s AidboxInstance.',
  },
  'policy-not-approved': {
    means: 'The hub has not approved this policy.',
    cure: 'Add the policy digest (`sluice check` prints it) to policies of the hub’s AidboxInstance.',
  },
} as const;

export type DenialReason = keyof typeof denials;

/** Why a resync has not begun: a trouble that was found, or the hub's no. */
export type RefusalCode = TroubleCode | DenialReason;

const isDenial = (code: RefusalCode): code is DenialReason => Object.hasOwn(denials, code);

/** What a code means, and what mends it. */
export const meaningOf = (code: RefusalCode): { readonly means: string; readonly cure: string } =>
  isDenial(code) ? denials[code] : troubles[code];
