/**
 * What a configuration of Microsoft's tool or of fhir-pseudonymizer says, checked and typed.
 * Sources: Tools-for-Health-Data-Anonymization, docs/FHIR-anonymization.md and AnonymizerConfigurations/*.cs;
 * fhir-pseudonymizer, README.md
 */

/**
 * Whose rules of detail hold. Both come from one source, and have grown apart: fhir-pseudonymizer knows more methods,
 * hashes references in uris, writes ciphertext as hex, and has no table of nodes.
 */
export type CompatDialect = 'microsoft' | 'fhir-pseudonymizer';

export interface PerturbSettings {
  readonly span: number;
  readonly rangeType: 'fixed' | 'proportional';
  /** Decimal places; undefined where nothing is said: 2. */
  readonly roundTo: number | undefined;
}

export interface GeneralizeSettings {
  /** FHIRPath conditions and values, in their order. */
  readonly cases: readonly (readonly [string, string])[];
  readonly otherValues: 'redact' | 'keep';
}

/** What a rule does. Methods are written in one case here, whatever case the file has. */
export type CompatAction =
  | { readonly method: 'keep' | 'redact' | 'dateShift' | 'encrypt' | 'remove' }
  | { readonly method: 'cryptoHash'; readonly truncateToMaxLength: number | undefined }
  /** The text of `replaceWith`, JSON for complex elements; null for none. */
  | { readonly method: 'substitute'; readonly replaceWith: string | null }
  | ({ readonly method: 'perturb' } & PerturbSettings)
  | ({ readonly method: 'generalize' } & GeneralizeSettings)
  | { readonly method: 'pseudonymize'; readonly domain: string | undefined; readonly domainPrefix: string };

export type CompatRule = CompatAction & { readonly path: string };

export type CompatMethod = CompatRule['method'];

export const compatMethods: readonly CompatMethod[] = [
  'keep',
  'redact',
  'dateShift',
  'cryptoHash',
  'encrypt',
  'substitute',
  'perturb',
  'generalize',
  'pseudonymize',
  'remove',
];

/** Methods that fhir-pseudonymizer has and Microsoft's tool does not. */
export const pseudonymizerMethods: ReadonlySet<CompatMethod> = new Set<CompatMethod>(['pseudonymize', 'remove']);

export interface CompatParameters {
  /** Empty: a random one for each run. */
  readonly dateShiftKey: string;
  readonly dateShiftScope: 'resource' | 'file' | 'folder';
  readonly dateShiftFixedOffsetInDays: number | undefined;
  readonly cryptoHashKey: string;
  readonly encryptKey: string;
  readonly keyDerivationContext: string | undefined;
  readonly enablePartialAgesForRedact: boolean;
  readonly enablePartialDatesForRedact: boolean;
  readonly enablePartialZipCodesForRedact: boolean;
  readonly restrictedZipCodeTabulationAreas: readonly string[];
}

export interface CompatConfig {
  readonly dialect: CompatDialect;
  /**
   * What a rule that fails on a resource does: `raise` throws, `skip` leaves an empty resource, `keep` withholds it, since
   * what an older version of Microsoft's tool did then was to pass the input as it is.
   */
  readonly processingErrors: 'raise' | 'skip' | 'keep';
  readonly rules: readonly CompatRule[];
  readonly parameters: CompatParameters;
}
