/** Makes a rule's method, with the settings, keys and randomness that it needs. */
import type { CompatConfig, CompatRule } from '../config/document.ts';
import { dateShift } from './dates.ts';
import { generalize } from './generalize.ts';
import type { CompatKeys } from './keys.ts';
import type { CompatRandom, Method } from './method.ts';
import { perturb } from './perturb.ts';
import { redact } from './redact.ts';
import { cryptoHash, encrypt, pseudonymize } from './secrets.ts';
import { substitute } from './substitute.ts';

export interface MethodParts {
  readonly config: CompatConfig;
  readonly keys: CompatKeys;
  readonly asOf: Date;
  /** Name of the input's file or folder; empty where shifts go by the resource. */
  readonly shiftPrefix: string;
  readonly random: CompatRandom;
}

/** `remove` of fhir-pseudonymizer: takes the node out with all that is in it, resources too. */
const remove: Method = (node) => {
  if (node.parent === undefined) return undefined;
  node.parent.remove(node);
  return 'remove';
};

const keep: Method = () => undefined;

export function makeMethod(rule: CompatRule, { config, keys, asOf, shiftPrefix, random }: MethodParts): Method {
  const { parameters, dialect } = config;
  const ofPseudonymizer = dialect === 'fhir-pseudonymizer';
  const dates = { asOf, enablePartialDates: parameters.enablePartialDatesForRedact };
  switch (rule.method) {
    case 'keep':
      return keep;
    case 'remove':
      return remove;
    case 'redact':
      return redact({
        ...dates,
        enablePartialAges: parameters.enablePartialAgesForRedact,
        enablePartialZipCodes: parameters.enablePartialZipCodesForRedact,
        restrictedZipAreas: parameters.restrictedZipCodeTabulationAreas,
      });
    case 'dateShift': {
      const fixedDays = parameters.dateShiftFixedOffsetInDays;
      return dateShift({ ...dates, key: keys.dateShift, prefix: shiftPrefix, fixedDays });
    }
    case 'cryptoHash':
      return cryptoHash({ key: keys.cryptoHash, lengthMax: rule.truncateToMaxLength, ofPseudonymizer });
    case 'encrypt':
      return encrypt({ key: keys.encrypt, encoding: ofPseudonymizer ? 'hex' : 'base64', random });
    case 'substitute':
      return substitute(rule.replaceWith);
    case 'perturb':
      return perturb(rule, random);
    case 'generalize':
      return generalize(rule, !ofPseudonymizer);
    case 'pseudonymize':
      return pseudonymize({ key: keys.cryptoHash, domain: rule.domain, domainPrefix: rule.domainPrefix });
  }
}
