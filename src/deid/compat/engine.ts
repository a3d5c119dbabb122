/**
 * Configurations of Microsoft's Tools for Health Data Anonymization and of fhir-pseudonymizer, run as those tools run them.
 *
 * Independent of our own engine: it shares R4's types with it and nothing else. Meant for reading what others have, and for
 * comparing; its shift and its ciphertext are theirs, with their weaknesses, and nothing is dropped that no rule names.
 */
import { randomBytes } from 'node:crypto';
import type { JsonObject } from '../../fhir/resource.ts';
import type { CompatConfig } from './config/document.ts';
import { emptyResource } from './labels.ts';
import { keysOf } from './methods/keys.ts';
import { makeMethod } from './methods/make.ts';
import type { CompatRandom } from './methods/method.ts';
import { parseRulePath } from './path/rule-path.ts';
import { compileSelector } from './path/select.ts';
import { CompatProblem } from './problem.ts';
import { RuleSet, processTree } from './process.ts';
import type { Node } from './tree/node.ts';
import { asPoco } from './tree/poco.ts';
import { readResource } from './tree/read.ts';
import { writeResource } from './tree/write.ts';

export interface CompatOptions {
  /** The day by which somebody is over 89; by default today. Microsoft's tool takes the clock's. */
  readonly asOf?: Date;
  /** Every path to the FHIRPath library, none compiled: the rival in the benchmark. */
  readonly interpretAll?: boolean;
  /** File or folder of the input, with or without its path, for `dateShiftScope` file and folder. */
  readonly inputName?: string;
  readonly random?: CompatRandom;
}

export interface CompatEngine {
  readonly config: CompatConfig;
  readonly rules: RuleSet;
}

export type CompatResult =
  | { readonly kind: 'resource'; readonly resource: JsonObject }
  /** `processingErrors: keep` and a rule failed. */
  | { readonly kind: 'withheld'; readonly reason: 'processing-error' };

/** 53 random bits as a number below 1. */
function randomUnit(): number {
  const bytes = randomBytes(7);
  return ((bytes.readUIntBE(0, 6) * 32 + ((bytes[6] ?? 0) & 31)) % 2 ** 53) / 2 ** 53;
}

const systemRandom: CompatRandom = { unit: randomUnit, bytes: (count) => randomBytes(count) };

/** The last part of a path, as .NET's `Path.GetFileName` of a name without slashes at its end. */
const baseName = (name: string): string => name.replace(/[\\/]+$/, '').replace(/^.*[\\/]/s, '');

/** Compiles a configuration. Random keys, where it names none, are drawn here. */
export function compileCompat(config: CompatConfig, options: CompatOptions = {}): CompatEngine {
  const random = options.random ?? systemRandom;
  const keys = keysOf(config.parameters, random, options.random !== undefined);
  const isByName = config.parameters.dateShiftScope !== 'resource';
  const shiftPrefix = isByName ? baseName(options.inputName ?? '') : '';
  const parts = { config, keys, asOf: options.asOf ?? new Date(), shiftPrefix, random };
  const rules = config.rules.map((rule) => {
    const path = parseRulePath(rule.path, config.dialect === 'microsoft');
    return { path, selector: compileSelector(path, options.interpretAll ?? false), method: makeMethod(rule, parts) };
  });
  return { config, rules: new RuleSet(rules) };
}

/** The tree after the rules; undefined for a resource that is withheld. */
export function anonymizeTree(engine: CompatEngine, input: unknown): Node | undefined {
  const read = readResource(input);
  // fhir-pseudonymizer reads into Firely's classes, Microsoft's tool into nodes.
  const root = engine.config.dialect === 'fhir-pseudonymizer' ? asPoco(read, 'input-wrong-type') : read;
  try {
    processTree(root, engine.rules);
    return root;
  } catch (error) {
    const { processingErrors } = engine.config;
    if (!(error instanceof CompatProblem) || !error.isProcessingError || processingErrors === 'raise') throw error;
    return processingErrors === 'skip' ? emptyResource(root.type) : undefined;
  }
}

/** Runs the rules over a resource. Throws a {@link CompatProblem} where the tools throw; the input stays as it is. */
export function anonymizeCompat(engine: CompatEngine, resource: unknown): CompatResult {
  const root = anonymizeTree(engine, resource);
  if (root === undefined) return { kind: 'withheld', reason: 'processing-error' };
  return { kind: 'resource', resource: writeResource(root) };
}
