/**
 * A policy document: its schema, from which the published JSON Schema is made, and its types.
 * Strict: a key that is not listed here is an error, since a misspelt rule would let through what it meant to clear.
 */
import { z } from 'zod';

export const presetNames = ['aidbox-default', 'safe-harbor', 'limited-dataset', 'expert'] as const;
export type PresetName = (typeof presetNames)[number];

/** Rows of HIPAA Safe Harbor, 164.514(b)(2)(i)(A) to (R), that a rule serves: for the reader, not for the engine. */
const hipaaRows = ['A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'I', 'J', 'K', 'L', 'M', 'N', 'O', 'P', 'Q', 'R'] as const;

/** Tables of three-digit ZIP areas of 20,000 people or fewer, by the census they were counted in. */
export const zip3Tables = ['census-2000', 'census-2010'] as const;
export type Zip3Table = (typeof zip3Tables)[number];

/** What the leak guard takes a removed value for. `words`: anything that may name somebody; `none`: nothing. */
export const guardClasses = [
  'name',
  'address',
  'postalCode',
  'contact',
  'identifier',
  'date',
  'words',
  'none',
] as const;
export type GuardClass = (typeof guardClasses)[number];

/** Kinds of text that `mask` looks for by their form. */
export const maskKinds = ['email', 'phone', 'date', 'number', 'url', 'ip'] as const;
export type MaskKind = (typeof maskKinds)[number];

const words = z.array(z.string().trim().min(1).max(1000)).min(1).max(1000);
const domain = z.string().trim().min(1).max(100);

/** Which answers of a QuestionnaireResponse: items match by any of the three; how words are compared: walk/marks.ts. */
const answersTo = z
  .strictObject({ linkIds: words.optional(), texts: words.optional(), definitions: words.optional() })
  .refine(({ linkIds, texts, definitions }) => (linkIds ?? texts ?? definitions) !== undefined, {
    error: 'linkIds, texts or definitions, at least one',
  });

const common = {
  /** A FHIRPath of a form in docs/policy.md, such as `Patient.name` or `nodesByType('HumanName')`. */
  path: z.string().trim().min(1).max(500),
  /** With the path `QuestionnaireResponse.item.answer`: the answers of these items, at any depth, and all below them. */
  answersTo: answersTo.optional(),
  /** The path names an attribute or a type of the server's own, which R4 does not have. */
  custom: z.boolean().optional(),
  /** What the leak guard takes the removed values for; by default it goes by R4's types. */
  guard: z.enum(guardClasses).optional(),
  reason: z.string().max(1000).optional(),
  hipaa: z.enum(hipaaRows).optional(),
};

const generalize = z.union([
  /** The first FHIRPath condition that is true of `$this` gives the value; `otherValues` where none is. */
  z.strictObject({
    cases: z.record(z.string().min(1).max(1000), z.string().min(1).max(1000)),
    otherValues: z.enum(['redact', 'keep']).optional(),
  }),
  /** The first three digits of a US postal code, `000` where the table holds them. */
  z.strictObject({ zip3: z.enum(zip3Tables) }),
  /** Numbers down to a multiple of this. */
  z.strictObject({ numberStep: z.number().positive() }),
  /** Numbers above `numberMax` become `as`. */
  z.strictObject({ numberMax: z.number(), as: z.number() }),
]);

/** One rule. The first rule of the list to take a leaf, by its own path or that of an element that holds it, decides. */
export const ruleSchema = z.discriminatedUnion('method', [
  z.strictObject({ ...common, method: z.literal('keep') }),
  z.strictObject({ ...common, method: z.literal('redact') }),
  z.strictObject({ ...common, method: z.literal('dropResource') }),
  /** Values of one domain get the same pseudonym wherever they stand; without it each path is a domain. */
  z.strictObject({
    ...common,
    method: z.literal('pseudonymize'),
    params: z.strictObject({ domain: domain.optional() }).optional(),
  }),
  z.strictObject({
    ...common,
    method: z.literal('cryptoHash'),
    params: z.strictObject({ hexDigits: z.int().min(16).max(64).optional() }).optional(),
  }),
  z.strictObject({
    ...common,
    method: z.literal('dateShift'),
    params: z
      .strictObject({
        daysMax: z.int().min(1).max(3650).optional(),
        ageYearsMax: z.int().min(1).max(150).optional(),
        timeOfDay: z.enum(['keep', 'zero']).optional(),
      })
      .optional(),
  }),
  z.strictObject({
    ...common,
    method: z.literal('dateTruncate'),
    params: z
      .strictObject({
        to: z.enum(['year', 'month', 'day']).optional(),
        ageYearsMax: z.int().min(1).max(150).optional(),
      })
      .optional(),
  }),
  z.strictObject({ ...common, method: z.literal('generalize'), params: generalize }),
  z.strictObject({
    ...common,
    method: z.literal('perturb'),
    params: z.strictObject({
      span: z.number().positive(),
      rangeType: z.enum(['fixed', 'proportional']).optional(),
      /** Decimal places of the result, 0 to 28. */
      roundTo: z.int().min(0).max(28).optional(),
    }),
  }),
  z.strictObject({ ...common, method: z.literal('substitute'), params: z.strictObject({ with: z.json() }) }),
  z.strictObject({
    ...common,
    method: z.literal('encrypt'),
    params: z.strictObject({ deterministic: z.boolean().optional(), domain: domain.optional() }).optional(),
  }),
  z.strictObject({
    ...common,
    method: z.literal('mask'),
    params: z.strictObject({ kinds: z.array(z.enum(maskKinds)).min(1).optional() }).optional(),
  }),
  z.strictObject({
    ...common,
    method: z.literal('plugin'),
    params: z.strictObject({ name: domain, options: z.json().optional() }),
  }),
]);

/** The methods, in the order of the reference. */
export const ruleMethods: readonly string[] = ruleSchema.options.map((option) => option.shape.method.value);

/** Purposes of the keys derived from the site's pseudonym key; each may stay at an older version than the current one. */
export const keyPurposes = ['pseudonym', 'cryptoHash', 'dateShift', 'perturb', 'encrypt'] as const;
export type KeyPurpose = (typeof keyPurposes)[number];

const keyVersion = z.int().min(1).max(9_999_999).optional();

export const policySchema = z
  .strictObject({
    apiVersion: z.literal('fhir-sluice/v1'),
    kind: z.literal('DeidPolicy').optional(),
    name: z.string().min(1).max(200).optional(),
    description: z.string().max(4000).optional(),
    extends: z.enum(presetNames).optional(),
    /** What becomes of a field that no rule names. No default: whoever lets fields pass has to say so. */
    default: z.enum(['keep', 'drop']).optional(),
    /** What becomes of an extension that no rule names, and of an unknown modifierExtension. */
    extensions: z.enum(['drop', 'keep', 'withhold']).optional(),
    modifierExtensions: z.enum(['drop', 'keep', 'withhold']).optional(),
    leakGuard: z.enum(['mask', 'withhold', 'off']).optional(),
    /** Whether `meta.security` says what was done. */
    labels: z.boolean().optional(),
    /** Versions of the site's pseudonym key, by purpose; the key's current version where nothing is said. */
    keys: z
      .strictObject({
        pseudonym: keyVersion,
        cryptoHash: keyVersion,
        dateShift: keyVersion,
        perturb: keyVersion,
        encrypt: keyVersion,
      })
      .optional(),
    rules: z.array(ruleSchema).max(5000).optional(),
  })
  .meta({ id: 'urn:fhir-sluice:policy:v1', title: 'fhir-sluice de-identification policy' });

export type PolicyRule = z.infer<typeof ruleSchema>;
export type PolicyDocument = z.infer<typeof policySchema>;
export type RuleMethod = PolicyRule['method'];
export type Disposition = 'drop' | 'keep' | 'withhold';

/** A policy with nothing left to look up: what the digest is of, and what is compiled. */
export interface ResolvedPolicy {
  readonly apiVersion: 'fhir-sluice/v1';
  readonly name?: string;
  readonly default: 'keep' | 'drop';
  readonly extensions: Disposition;
  readonly modifierExtensions: Disposition;
  readonly leakGuard: 'mask' | 'withhold' | 'off';
  readonly labels: boolean;
  readonly keys: Readonly<Partial<Record<KeyPurpose, number>>>;
  readonly rules: readonly PolicyRule[];
}
