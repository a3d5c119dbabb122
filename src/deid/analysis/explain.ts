/**
 * What a policy does at a path, and why: asked of the very plan that the walk follows, for each JSON key that the path
 * names. What only data can decide (`where`, `answersTo`, general FHIRPath) is told as such.
 */
import type { CompiledPolicy } from '../compiled.ts';
import { modes } from '../plan/child.ts';
import type { CompiledRule } from '../plan/rules.ts';
import { followersOf } from './followers.ts';
import { outcomeOfMode, partsOf } from './outcome.ts';
import type { Outcome } from './outcome.ts';
import { placesOf } from './places.ts';
import type { Place } from './places.ts';
import { ruleRef } from './rule-ref.ts';
import type { RuleRef } from './rule-ref.ts';

export type { Outcome } from './outcome.ts';

export interface Explanation {
  /** With JSON keys: `Observation.valueQuantity.value`. */
  readonly path: string;
  /** R4's; empty for what R4 does not have. */
  readonly type: string;
  readonly outcome: Outcome;
  /** What decides; where the outcome is `always` or the pseudonym of an id, no rule does. */
  readonly rule: RuleRef;
  /** Whether the engine does this whatever rules say. */
  readonly isFixed: boolean;
  /** A rule that would keep or change it, whose method does not work on the type: removed. */
  readonly methodDoesNotFit: boolean;
  /** Rules that come first if the data fits their conditions. */
  readonly before: readonly RuleRef[];
  /** Rules that would have taken it, had the deciding one not. */
  readonly after: readonly RuleRef[];
  /** For an object, its leaves by the rule that takes them, the most leaves first. */
  readonly parts: readonly { readonly rule: RuleRef; readonly outcome: Outcome; readonly leaves: number }[];
}

export type Explaining =
  { readonly ok: true; readonly places: readonly Explanation[] } | { readonly ok: false; readonly expected: string };

export interface ExplainedPolicy {
  readonly compiled: CompiledPolicy;
  /** How many rules the document has beside those of its preset. */
  readonly siteRules: number;
}

/** Explains the places that a path names. */
export function explain(text: string, policy: ExplainedPolicy): Explaining {
  const found = placesOf(text, policy.compiled);
  return found.ok ? { ok: true, places: found.places.map((place) => explained(place, policy)) } : found;
}

function explained(place: Place, policy: ExplainedPolicy): Explanation {
  const { compiled } = policy;
  const refOf = (number: number): RuleRef => ruleRef(number, compiled, policy.siteRules);
  const number = place.child?.rule ?? place.plan().winner;
  const method = compiled.rules[number]?.method;
  const outcome = outcomeOf(place, method);
  const isWhole = place.child === undefined || walked.has(place.child.mode);
  const plan = outcome === 'parts' && isWhole ? place.plan() : undefined;
  const followers = followersOf(compiled.rules, place.chain).filter(({ rule }) => rule !== number);
  return {
    path: place.text,
    type: place.child?.type ?? place.plan().type,
    outcome,
    rule: refOf(number),
    isFixed: place.child !== undefined && fixed.has(place.child.mode),
    methodDoesNotFit:
      outcome === 'removed' && (compiled.rules[number]?.passes ?? false) && number < compiled.fallbacks.keep,
    before: followers
      .filter(({ rule, isConditional }) => isConditional && rule < number)
      .map(({ rule }) => refOf(rule)),
    after: followers.filter(({ rule }) => rule > number).map(({ rule }) => refOf(rule)),
    parts: plan === undefined ? [] : partsOf(plan).map((part) => ({ ...part, rule: refOf(part.rule) })),
  };
}

const fixed: ReadonlySet<number> = new Set([modes.type, modes.id, modes.meta, modes.fullUrl, modes.requestUrl]);
const walked: ReadonlySet<number> = new Set([modes.object, modes.extension]);

function outcomeOf({ child }: Place, method: CompiledRule['method'] | undefined): Outcome {
  if (child === undefined) return method === 'dropResource' ? 'withheld' : 'parts';
  if (method === 'extension-drop') return 'removed';
  if (method === 'extension-withhold') return 'withheld';
  if (child.mode === modes.unknown && removing.has(method ?? 'redact')) return 'removed';
  return outcomeOfMode(child);
}

const removing: ReadonlySet<CompiledRule['method']> = new Set(['redact', 'dropResource', 'default-drop']);
