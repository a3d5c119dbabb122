/**
 * A policy document: its schema, and what a document means once its preset is written out.
 * Strict: a key that is not listed here is an error, since a misspelt rule would let through what it meant to clear.
 */
import { z } from 'zod';
import { parsePath, pathExpected } from './path.ts';

export const presetNames = ['aidbox-default'] as const;
export type PresetName = (typeof presetNames)[number];

/** Rows of HIPAA Safe Harbor, 164.514(b)(2)(i)(A) to (R), that a rule serves: for the reader, not for the engine. */
const hipaaRows = ['A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'I', 'J', 'K', 'L', 'M', 'N', 'O', 'P', 'Q', 'R'] as const;

const words = z.array(z.string().trim().min(1).max(1000)).max(1000);

const common = {
  path: z
    .string()
    .max(500)
    .refine((path) => parsePath(path) !== undefined, { error: pathExpected }),
  reason: z.string().max(1000).optional(),
  hipaa: z.enum(hipaaRows).optional(),
};

/** One rule. The first rule of the list to touch a node, or an element that holds it, decides on it. */
export const ruleSchema = z.discriminatedUnion('method', [
  z.strictObject({ ...common, method: z.literal('keep') }),
  z.strictObject({ ...common, method: z.literal('redact') }),
  z.strictObject({ ...common, method: z.literal('drop-resource') }),
  z.strictObject({
    ...common,
    method: z.literal('pseudonymize'),
    /** Values of one domain get the same pseudonym wherever they stand; without it each path is a domain. */
    params: z.strictObject({ domain: z.string().trim().min(1).max(100).optional() }).optional(),
  }),
  z.strictObject({
    ...common,
    method: z.literal('redact-answers'),
    /** Items match by either; letter case and space around do not count. */
    params: z.strictObject({ linkIds: words.optional(), texts: words.optional() }),
  }),
]);

/** The methods that this version runs. */
export const ruleMethods: readonly string[] = ruleSchema.options.map((option) => option.shape.method.value);

export const policySchema = z.strictObject({
  apiVersion: z.literal('fhir-sluice/v1'),
  kind: z.literal('DeidPolicy').optional(),
  name: z.string().min(1).max(200).optional(),
  extends: z.enum(presetNames).optional(),
  /** What becomes of a field that no rule names. No default: whoever lets fields pass has to say so. */
  default: z.enum(['keep', 'drop']).optional(),
  rules: z.array(ruleSchema).max(5000).optional(),
});

export type PolicyRule = z.infer<typeof ruleSchema>;
export type PolicyDocument = z.infer<typeof policySchema>;
export type RuleMethod = PolicyRule['method'];

/** A policy with nothing left to look up: what the digest is of, and what is compiled. */
export interface ResolvedPolicy {
  readonly apiVersion: 'fhir-sluice/v1';
  readonly name?: string;
  readonly default: 'keep' | 'drop';
  readonly rules: readonly PolicyRule[];
}
