/**
 * Security labels that say what was done, in HL7's codes for altered data. HL7 has no code for noise, constants and
 * shifted dates: they count as masked. Source: https://terminology.hl7.org/CodeSystem-v3-ObservationValue.html (SECALTINTOBV)
 */
import { labelBits } from './context.ts';

const system = 'http://terminology.hl7.org/CodeSystem/v3-ObservationValue';

const codes: readonly { readonly bits: number; readonly code: string }[] = [
  { bits: labelBits.redacted, code: 'REDACTED' },
  { bits: labelBits.abstracted | labelBits.generalized, code: 'ABSTRED' },
  { bits: labelBits.hashed, code: 'CRYTOHASH' },
  { bits: labelBits.masked | labelBits.perturbed | labelBits.substituted, code: 'MASKED' },
  { bits: labelBits.pseudonymized, code: 'PSEUDED' },
];

const known = new Map<number, { system: string; code: string }[]>();

/** The labels of what the bits say, in a fixed order. The list is shared: not to be changed. */
export function securityLabels(bits: number): { system: string; code: string }[] {
  let labels = known.get(bits);
  if (labels === undefined) {
    labels = codes.filter((label) => (label.bits & bits) !== 0).map(({ code }) => ({ system, code }));
    known.set(bits, labels);
  }
  return labels;
}

/** Codes that the output check expects to find among a label's. */
export const labelSystem = system;
