/** A compiled policy: what walks, checks and analyses are handed. Made by `compile.ts`. */
import type { JsonObject } from '../fhir/resource.ts';
import type { MethodPlugin, ReferenceScope } from './engine.ts';
import type { Located } from './path/general.ts';
import type { Planner } from './plan/planner.ts';
import type { CompiledRule, Fallbacks } from './plan/rules.ts';
import type { ResolvedPolicy } from './policy/document.ts';

/** An `answersTo` rule, ready to be asked. Words are normalized. */
export interface AnswerRule {
  readonly rule: number;
  readonly linkIds: ReadonlySet<string>;
  readonly texts: ReadonlySet<string>;
  readonly definitions: ReadonlySet<string>;
}

/** A rule whose path the FHIRPath library evaluates. */
export interface GeneralRule {
  readonly rule: number;
  readonly root: string | undefined;
  readonly find: (resource: JsonObject, type: string) => Located[];
}

export interface CompiledPolicy {
  /** SHA-256, in hex, of the resolved policy's canonical JSON with its plug-ins' versions; the scope is no part of it. */
  readonly digest: string;
  readonly document: ResolvedPolicy;
  readonly scope: ReferenceScope;
  /** In order of precedence; the fallbacks come last. Reports count by this index. */
  readonly rules: readonly CompiledRule[];
  readonly fallbacks: Fallbacks;
  /** Index of the document's first rule: those before it always hold. */
  readonly firstOwnRule: number;
  readonly planner: Planner;
  readonly generalRules: readonly GeneralRule[];
  readonly answerRules: readonly AnswerRule[];
  /** Whether a method asks where a value stands. */
  readonly needsPlace: boolean;
  readonly plugins: ReadonlyMap<string, MethodPlugin>;
}
